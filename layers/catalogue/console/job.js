// The screen of one job: will it be in time? What went wrong, and what can I do?
import {Refused, call, json} from './api.js'
import {ask} from './ask.js'
import {CopyAs, callsOfJob} from './calls.js'
import {now} from './clock.js'
import {JobDeliveries} from './deliveries.js'
import {History} from './history.js'
import {Icon, html, useEffect, useRef, useState} from './html.js'
import {recall} from './inputs.js'
import {Hints, Key, useKeys} from './keys.js'
import {refresh, useLive} from './live.js'
import {Code, CopyButton, Id, Loading, Menu, Status, Time, Trouble, announce, copy, hasEnded, say} from './parts.js'
import {go, link} from './route.js'
import {JobResult} from './result.js'
import {isFlexible, long, slack} from './sentence.js'
import {Timeline} from './timeline.js'
import * as words from './words.js'

/** The longest wait between two looks at a job on show, by its status. */
const LONGEST_S = {running: 2, queued: 3, scheduled: 15}

export function JobScreen({id}) {
  const {data: job, error} = useLive(`/jobs/${id}`, (seen, retryAfterS) => (hasEnded(seen) ? null : pause(seen, retryAfterS)))
  useEffect(() => {
    document.title = job ? `${job.operation}, ${job.status} · nowlater` : 'Job · nowlater'
  }, [job?.operation, job?.status])
  useAnnounced(job)
  if (!job) return html`<${Crumbs} name=${id} />${error ? html`<${Missing} id=${id} error=${error} />` : html`<${Loading} what="the job" />`}`
  return html`<div><${Crumbs} name=${job.operation} /><${Head} job=${job} /></div><${Now} job=${job} />
    <div class="cols"><div class="stack">
      ${job.status === 'succeeded' && html`<section class="card" aria-label="Result"><h2>Result</h2><${JobResult} key=${job.id} job=${job} /></section>`}
      <${History} job=${job} /><${Webhooks} job=${job} /><${CopyAs} calls=${callsOfJob(job.id)} />
    </div><aside class="stack" aria-label="Facts"><${Facts} job=${job} /><${Estimate} job=${job} /><${Input} job=${job} /></aside></div><${Hints} />`
}

/** A watched job is looked at as often as its progress can be seen; Retry-After counts where it is shorter. */
function pause(job, retryAfterS) {
  const longest = job.progress === null && job.status === 'running' ? LONGEST_S.queued : LONGEST_S[job.status]
  return Math.max(1, Math.min(retryAfterS || longest, longest))
}

/** Tells screen readers of a status once, and of progress at most each tenth. */
function useAnnounced(job) {
  const last = useRef(null)
  const state = job && `${job.status} ${Math.floor((job.progress?.fraction ?? 0) * 10)}`
  useEffect(() => {
    if (last.current && state !== last.current) say(job.progress?.fraction ? `${words.capital(job.status)}, ${words.percent(job.progress.fraction)}.` : `${words.capital(job.status)}.`)
    last.current = state
  }, [state])
}

function Crumbs({name}) {
  return html`<nav class="crumbs" aria-label="Path"><a href="#/jobs">Jobs</a><${Icon} name="right" /><span>${name}</span></nav>`
}

function Missing({id, error}) {
  if (!(error instanceof Refused)) return html`<${Loading} what="the job" />`
  return html`<div class="empty"><h1 class="lead">${error.code === 'job-expired' ? 'This job is erased, or past its retention.' : error.code === 'unknown-job' ? 'You have no such job.' : 'This job cannot be shown.'}</h1>
    <p class="muted">${error.message}</p><p class="mono sm">${id}</p><p><a class="btn primary" href="#/jobs">See your jobs</a></p></div>`
}

function Head({job}) {
  const cancel = () => cancelJob(job)
  const again = () => retry(job)
  const edit = () => go(['operations', job.operation], {from: job.id})
  useKeys({
    ...(hasEnded(job) ? {r: [again, 'retry'], e: [edit, 'edit and retry']} : {c: [cancel, 'cancel']}),
    y: [() => copy(job.id, 'The id'), 'copy the id'], u: [() => go('jobs'), 'back to the list'],
  })
  const actions = useRef(null)
  const hadFocus = actions.current?.contains(document.activeElement)
  useEffect(() => {
    // The button that was pressed is gone with the status that it belonged to.
    if (hadFocus && !actions.current.contains(document.activeElement)) actions.current.querySelector('button').focus()
  }, [hasEnded(job)])
  return html`<div class="head"><h1>${job.operation}</h1><${Status} status=${job.status} pill /><${Id} id=${job.id} />
    <div class="end" ref=${actions}>${hasEnded(job) ? html`<button class="btn" type="button" onClick=${edit}><${Icon} name="edit" />Edit and retry<${Key}>E<//></button>
        <button class="btn ${job.status === 'succeeded' ? '' : 'primary'}" type="button" onClick=${again}><${Icon} name="retry" />Retry<${Key}>R<//></button>` : html`<button class="btn danger" type="button" onClick=${cancel}><${Icon} name="x" />Cancel job…<${Key}>C<//></button>`}
      <${Menu} label="More"><li><a class="btn quiet" href=${link(['operations', job.operation], {from: job.id})}><${Icon} name="plus" />New job like this</a></li>
        <li><button class="btn quiet" type="button" onClick=${() => copy(location.href, 'The link')}><${Icon} name="link" />Copy link</button></li>
        <li><a class="btn quiet" href=${link('jobs', {operation: job.operation})}><${Icon} name="jobs" />Jobs of ${job.operation}</a></li>
        ${hasEnded(job) && html`<li><button class="btn quiet danger" type="button" onClick=${() => erase(job)}><${Icon} name="trash" />Erase job…</button></li>`}<//></div></div>`
}

async function act(does, done) {
  try {
    await does()
    announce(done)
    refresh()
    return true
  } catch (error) {
    announce(error.problem?.scope ? `This key may not do that: it needs the scope ${error.problem.scope}.` : error.message)
    return false
  }
}

async function cancelJob(job) {
  const isAgreed = await ask({
    title: 'Cancel this job?', safe: 'Let it run', act: 'Cancel job', icon: 'x', danger: true,
    text: job.status === 'running' ? 'Its attempt is stopped at its next report of progress, and its result is discarded. A callback is sent the cancellation.' : 'It will not run. A callback is sent the cancellation.',
  })
  if (isAgreed) await act(() => call('POST', `/jobs/${job.id}/cancel`), 'Canceled.')
}

async function erase(job) {
  const isAgreed = await ask({
    title: 'Erase this job?', safe: 'Keep it', act: 'Erase job', icon: 'trash', danger: true,
    text: 'Its input, result, error and tags go, and nothing more is sent to its callback. This cannot be undone.',
  })
  if (isAgreed && (await act(() => call('DELETE', `/jobs/${job.id}`), 'Erased.'))) go('jobs')
}

async function retry(job) {
  const headers = {'Idempotency-Key': crypto.randomUUID()}
  await act(async () => go(['jobs', (await json('POST', `/jobs/${job.id}/retry`, {headers})).id]), 'A new job was made.')
}

function Now({job}) {
  const [text, strong, rest] = long(hasEnded(job) ? job : {...job, _: now.value})
  const isBad = job.status === 'failed' || job.status === 'canceled'
  return html`<section class="card" aria-label="Now">
    ${isBad ? html`<div class="stack tight"><p class="lead"><b>${job.error?.title ?? words.capital(job.status)}</b></p><p class="lead">${text}</p><${Advice} job=${job} /></div>` : html`<p class="lead">${text}<b>${strong}</b>${rest}</p>`}
    <${Numbers} job=${job} />
    ${job.status === 'running' && job.progress?.fraction != null && html`<progress class="big" max="1" value=${job.progress.fraction} aria-label="Progress of attempt ${job.attempt}">${words.percent(job.progress.fraction)}</progress>`}
    <${Timeline} job=${job} /></section>`
}

const ADVICE = {
  refused: 'The operation rejects this input: edit it, and retry.',
  'invalid-input': 'The input does not fit the operation: edit it, and retry.',
  'operation-failed': 'Retry it; if it fails again, inform the operator of this API: the log has the traceback, under the id of this job.',
  'timed-out': 'Its last attempt ran too long: edit the input so that there is less to do, and retry.',
  'attempts-exhausted': 'Its attempts were cut short, as by too little memory: retry it, or inform the operator of this API.',
  'deadline-exceeded': 'Retry it with more time: edit, and choose a later deadline.',
  unavailable: 'What it needs was down for three days: retry it when that is up again.',
}

function Advice({job}) {
  const text = ADVICE[job.error?.code]
  return text ? html`<p class="muted">${text}</p>` : null
}

function Numbers({job}) {
  const shown = []
  const add = (name, value, small) => shown.push({name, value, small})
  if (job.progress?.fraction != null && job.status === 'running') add('Progress', words.percent(job.progress.fraction), job.progress.message)
  if (job.estimate) add('Probably done', inTime(job.estimate.finish), words.time(job.estimate.finish))
  if (job.ended) add('Ended', words.time(job.ended), `${words.duration(words.seconds(job.created, job.ended))} after acceptance`)
  if (job.started && job.ended) add('Last attempt took', words.duration(Math.max(0, words.seconds(job.started, job.ended))), `attempt ${job.attempt}`)
  if (!hasEnded(job)) add(isFlexible(job) ? 'Limit' : 'Deadline', inTime(job.deadline), words.time(job.deadline))
  const s = slack(job)
  if (s !== null && !hasEnded(job)) add(s < 0 ? 'Late by' : 'Slack', words.duration(Math.abs(s)), job.at_risk ? 'at risk' : '')
  return html`<dl class="nums">${shown.map(({name, value, small}) => html`<div key=${name}><dt>${name}</dt><dd>${value} ${small && html`<small>${small}</small>`}</dd></div>`)}</dl>`
}

function inTime(at) {
  const s = (Date.parse(at) - now.value) / 1000
  return s > 0 ? `in ${words.countdown(s)}` : 'now'
}

function Webhooks({job}) {
  const {data} = useLive(hasEnded(job) ? `/jobs/${job.id}/deliveries` : null, seen => (seen.deliveries.some(each => each.state === 'waiting') ? 5 : seen.deliveries.length ? 30 : null))
  return data?.deliveries.length ? html`<${JobDeliveries} job=${job} deliveries=${data.deliveries} />` : null
}

function Facts({job}) {
  const tags = Object.entries(job.tags)
  const facts = [
    ['Id', html`<span class="mono xs">${job.id}</span><${CopyButton} text=${job.id} label="Copy the whole id" />`],
    ['Accepted', html`<${Time} at=${job.created} />`],
    job.start_at && ['Start', html`<${Time} at=${job.start_at} />`],
    [isFlexible(job) ? 'Limit' : 'Deadline', html`<${Time} at=${job.deadline} />`],
    job.lane && ['Lane', html`<a href="#/lanes">${job.lane}</a>`],
    job.attempt > 0 && ['Attempts', job.attempts_left && !hasEnded(job) ? `${job.attempt}, and at most ${job.attempts_left} more` : String(job.attempt)],
    tags.length > 0 && ['Tags', tags.map(([tag, value]) => html`<a key=${tag} class="tag" href=${link('jobs', {tag: `${tag}:${value}`})}>${tag}:${value}</a> `)],
    job.retry_of && ['Retry of', html`<${Id} id=${job.retry_of} href=${link(['jobs', job.retry_of])} />`],
    job.expires && ['Kept until', html`<${Time} at=${job.expires} />`],
  ].filter(Boolean)
  return html`<section class="card"><h2>Facts</h2><dl class="facts">${facts.map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}</dl></section>`
}

function Estimate({job}) {
  const {runs, p50_s: p50, p90_s: p90, waiting} = job.estimate?.rests_on ?? {}
  if (!runs || p50 == null) return null
  const how = job.status === 'running' && job.progress?.fraction >= 0.05 ? 'Its own progress, going on as fast. ' : waiting ? `${words.plural(waiting, 'job')} before it in its lane. ` : ''
  return html`<section class="card"><h2>How the estimate is made</h2><p class="sm muted">${how}Of ${words.plural(runs, 'earlier run')}, half took at most ${words.duration(p50)} and nine tenths at most ${words.duration(p90)}.</p></section>`
}

function Input({job}) {
  const [isShown, show] = useState(false)
  const text = recall(job.id) ?? recall(job.retry_of)
  return html`<section class="card"><h2>Input</h2><p class="sm muted">The API keeps the input and never shows it. ${text ? 'This tab sent it, so it has a copy.' : 'It was not sent from this tab.'}</p>
    ${text && (isShown ? html`<${Code} label="Input">${pretty(text)}<//>` : html`<p><button class="btn" type="button" onClick=${() => show(true)}><${Icon} name="eye" />Show what was sent</button></p>`)}</section>`
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
