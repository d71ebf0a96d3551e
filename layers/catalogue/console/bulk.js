// What is done to many jobs at once: chosen ones, or all that match; with a preview and a question.
import {Refused, call} from './api.js'
import {ask} from './ask.js'
import {Icon, html, useState} from './html.js'
import {Key, useKeys} from './keys.js'
import {collect} from './list.js'
import {refresh} from './live.js'
import {announce, hasEnded} from './parts.js'
import * as words from './words.js'

const AT_ONCE = 4
const TRIES = 5
/** Above this number it must be typed. */
const MANY = 20
/** The most jobs that are collected for one action. */
const MOST = 10_000

const newKey = () => crypto.randomUUID()

const ACTIONS = {
  retry: {
    verb: 'Retry', done: 'retried', icon: 'retry', fits: hasEnded, safe: 'Leave them',
    text: () => 'Each is sent again as a new job, with the same input and tags, and without a deadline. The old jobs stay.',
    call: job => ['POST', `/jobs/${job.id}/retry`, {headers: {'Idempotency-Key': newKey()}}],
  },
  cancel: {
    verb: 'Cancel', done: 'canceled', icon: 'x', danger: true, fits: job => !hasEnded(job), safe: 'Let them run',
    text: jobs => {
      const runs = jobs.filter(job => job.status === 'running').length
      return `${jobs.length - runs} wait and ${runs} run. Those that run are stopped at their next report of progress, and their results are discarded.`
    },
    call: job => ['POST', `/jobs/${job.id}/cancel`],
  },
  erase: {
    verb: 'Erase', done: 'erased', icon: 'trash', danger: true, fits: hasEnded, safe: 'Keep them',
    text: () => 'Their inputs, results, errors and tags go, and nothing more is sent to their callbacks. This cannot be undone.',
    call: job => ['DELETE', `/jobs/${job.id}`],
  },
}

/** The bar over the list while jobs are selected. */
export function BulkBar({selected, query, select}) {
  const [run, setRun] = useState(null)
  const jobs = [...selected.value.values()]
  const clear = () => select([])
  const start = async name => {
    const chosen = jobs.filter(ACTIONS[name].fits)
    if (chosen.length && (await confirmed(ACTIONS[name], chosen))) await perform(ACTIONS[name], chosen, setRun, select)
  }
  useKeys({r: [() => start('retry'), jobs.length ? 'retry' : ''], c: [() => start('cancel'), jobs.length ? 'cancel' : ''], Escape: [() => run || clear(), '']})
  if (run) return html`<${Progress} ...${run} close=${() => setRun(null)} />`
  if (!jobs.length) return null
  return html`<div class="bulk" role="region" aria-label="Selected jobs"><b>${words.number(jobs.length)} selected</b>
    <${SelectAll} query=${query} select=${select} />
    <span class="end">${Object.entries(ACTIONS).map(([name, action]) => html`<${Action} key=${name} action=${action} count=${jobs.filter(action.fits).length} start=${() => start(name)} />`)}
    <button class="btn quiet" type="button" aria-label="Clear the selection" title="Clear the selection" onClick=${clear}><${Icon} name="x" /></button></span></div>`
}

function Action({action, count, start}) {
  return html`<button class="btn ${action.danger ? 'danger' : ''}" type="button" disabled=${!count} onClick=${start}><${Icon} name=${action.icon} />${action.verb} ${words.number(count)}…${action.verb !== 'Erase' && html`<${Key}>${action.verb[0]}<//>`}</button>`
}

/** Selects all jobs that match the filter, page by page. */
function SelectAll({query, select}) {
  const [count, setCount] = useState(null)
  const all = async () => {
    const found = []
    setCount(0)
    try {
      await collect(query, jobs => {
        found.push(...jobs)
        setCount(found.length)
        return found.length < MOST
      })
      select(found)
      if (found.length >= MOST) announce(`${words.number(MOST)} are selected: the most at once.`)
    } catch (error) {
      announce(error.message)
    } finally {
      setCount(null)
    }
  }
  return count === null ? html`<button class="btn quiet" type="button" onClick=${all}>Select all that match</button>` : html`<span class="muted">reading, ${words.number(count)} until now …</span>`
}

function confirmed(action, jobs) {
  const what = words.plural(jobs.length, 'job')
  return ask({
    title: `${action.verb} ${what}?`, text: action.text(jobs), safe: action.safe, act: `${action.verb} ${what}`, icon: action.icon,
    danger: action.danger, typed: jobs.length > MANY ? jobs.length : undefined,
  })
}

/** Calls for each job, a few at once; tells of its progress. What did not succeed stays selected. */
async function perform(action, jobs, tell, select) {
  const state = {action, of: jobs.length, done: 0, failures: new Map(), isStopped: false}
  const stop = () => (state.isStopped = true)
  const show = () => tell({...state, stop, isOver: state.isOver})
  const waiting = [...jobs]
  const failed = []
  const work = async () => {
    while (waiting.length && !state.isStopped) {
      const job = waiting.shift()
      const fault = await attempt(action.call(job), state)
      if (fault) {
        state.failures.set(fault, (state.failures.get(fault) ?? 0) + 1)
        failed.push(job)
      } else state.done += 1
      show()
    }
  }
  show()
  await Promise.all(Array.from({length: AT_ONCE}, work))
  state.isOver = true
  state.remaining = waiting.length
  show()
  select([...failed, ...waiting])
  refresh()
  announce(`${words.plural(state.done, 'job')} ${action.done}.${failed.length ? ` ${words.number(failed.length)} could not be: they stay selected.` : ''}`)
}

/** Calls once, or again where that can help; returns why it did not succeed, or null. */
async function attempt([method, path, options], state) {
  for (let n = 1; ; n++) {
    try {
      await call(method, path, options)
      return null
    } catch (error) {
      const isPassing = !(error instanceof Refused) || error.isPassing
      if (!isPassing || n === TRIES || state.isStopped) return error.problem?.title ?? error.message
      await new Promise(wait => setTimeout(wait, (error.retryAfterS || 2 ** n) * 1000))
    }
  }
}

function Progress({action, of, done, failures, isOver, remaining, stop, close}) {
  const failed = [...failures].map(([why, count]) => `${words.number(count)} not: ${why}`).join('; ')
  return html`<div class="bulk" role="region" aria-label="Progress"><b>${words.number(done)} of ${words.number(of)} ${action.done}</b>
    ${!isOver && html`<progress class="grow" max=${of} value=${done} aria-label="Jobs ${action.done}" />`}
    ${failed && html`<span class="late">${failed}</span>`}${remaining > 0 && html`<span class="muted">${words.number(remaining)} not begun</span>`}
    <span class="end">${isOver ? html`<button class="btn" type="button" onClick=${close}>Close</button>` : html`<button class="btn" type="button" onClick=${stop}>Stop</button>`}</span></div>`
}
