// Sends what a form says to one of the three doors, and shows what comes back.
import {Refused, call} from './api.js'
import {instant, now} from './clock.js'
import {Icon, html, signal} from './html.js'
import {filesIn, sendable} from './files.js'
import {remember} from './inputs.js'
import {Id, Note, Trouble} from './parts.js'
import {Body, blobOf} from './result.js'
import {go, link} from './route.js'
import * as words from './words.js'

export const WAIT_S = 10
const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
const DOORS = {
  async: {icon: 'async', title: 'Run as a job', about: 'async: the result comes later', keys: isMac ? '⌘↵' : 'Ctrl ↵'},
  hybrid: {icon: 'hybrid', title: `Wait ${WAIT_S} s, then a job`, about: 'hybrid: the result if it is quick', keys: isMac ? '⇧↵' : 'Shift ↵'},
  sync: {icon: 'sync', title: 'Run now', about: 'sync: no time frame, nothing kept', keys: isMac ? '⌥↵' : 'Alt ↵'},
}

/** A button for each door that serves the operation; the one that the time frame asks for comes first. */
export function Doors({doors, primary, isBusy, send}) {
  return html`<div class="doors">${Object.entries(DOORS).filter(([name]) => doors.includes(name)).map(([name, {icon, title, about, keys}]) => html`
    <button key=${name} class="btn door ${name === primary ? 'primary' : ''}" type="button" disabled=${isBusy} onClick=${() => send(name)}><${Icon} name=${icon} />${title}<kbd aria-hidden="true">${keys}</kbd><small>${about}</small></button>`)}</div>`
}

/** One form's requests: what is on its way, and what came back. */
export class Sending {
  constructor() {
    /** What is done now, in words; '' for nothing. */
    this.doing = signal('')
    this.error = signal(null)
    this.answer = signal(null)
    /** Until when a refusal for too many requests lasts, in milliseconds. */
    this.waitsUntil = signal(0)
  }

  /**
   * Sends an input to a door. `text` is its JSON where it was written as such, with all digits. The same
   * request keeps its idempotency key until a response came.
   */
  async send({door, operation, input, text, members}) {
    this.error.value = this.answer.value = null
    this.aborter = new AbortController()
    try {
      const sent = text && !filesIn(input).length ? text : JSON.stringify(await sendable(input, words_ => (this.doing.value = words_)))
      const others = door === 'sync' ? '' : JSON.stringify(members).slice(1, -1)
      const body = `{"input":${sent}${others && `,${others}`}}`
      await this.post(door, operation, body, sent)
    } catch (error) {
      if (error.name !== 'AbortError') this.error.value = error
    } finally {
      this.doing.value = ''
      this.waitsUntil.value = 0
    }
  }

  stop() {
    this.aborter.abort()
  }

  async post(door, operation, body, sent) {
    const headers = door === 'sync' ? {} : {'Idempotency-Key': this.keyFor(door + operation + body)}
    if (door === 'hybrid') headers.Prefer = `wait=${WAIT_S}`
    for (;;) {
      this.doing.value = door === 'async' ? 'Sending' : door === 'sync' ? 'Running' : `Waiting for up to ${WAIT_S} s`
      const began = performance.now()
      try {
        const reply = await call('POST', `/${door}/${operation}`, {body, headers, signal: this.aborter.signal})
        await this.take(reply, door, operation, sent, performance.now() - began)
        this.kept = null
        return
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        // A refused request does not use up its key; one that may have made a job keeps it.
        if (error.status < 500 && error.status !== 429) this.kept = null
        if (error.status !== 429) throw error
        await this.wait(error)
      }
    }
  }

  keyFor(request) {
    if (this.kept?.request !== request) this.kept = {request, key: crypto.randomUUID()}
    return this.kept.key
  }

  /** Waits as long as the API asks; the same request is sent again then, unless it is stopped. */
  wait(error) {
    const s = error.retryAfterS || 10
    this.error.value = error
    this.waitsUntil.value = instant() + s * 1000
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.error.value = null
        this.waitsUntil.value = 0
        resolve()
      }, s * 1000)
      this.aborter.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(Object.assign(error, {name: 'Refused'}))
      })
    })
  }

  async take(reply, door, operation, sent, ms) {
    if (reply.status === 202) {
      const job = await reply.response.json()
      remember(job.id, operation, sent)
      go(['jobs', job.id])
      return
    }
    const id = reply.headers.get('content-location')?.split('/').at(-1)
    if (id) remember(id, operation, sent)
    this.answer.value = {blob: await blobOf(reply), ms, id, operation}
  }
}

/** What is on its way, what came back, or why nothing did. */
export function Answer({sending, titleOf}) {
  const [doing, error, answer] = [sending.doing.value, sending.error.value, sending.answer.value]
  return html`<div class="stack" aria-live="polite">
    ${doing && !sending.waitsUntil.value && html`<p class="row note" role="status"><span class="st running"><${Icon} name="running" />${doing} …</span><span class="end"><button class="btn" type="button" onClick=${() => sending.stop()}>Stop waiting</button></span></p>`}
    ${sending.waitsUntil.value > 0 && html`<${TooMany} sending=${sending} />`}
    ${error && !sending.waitsUntil.value && html`<${Trouble} error=${error}>${error.problem?.pointer && html`<p>At <a href="#" onClick=${event => focus(event, error)}>${titleOf(error.problem.pointer)}</a>.</p>`}${jobOf(error)}<//>`}
    ${answer && html`<section class="card" aria-label="Result"><header><h2>Result</h2><span class="sm dim">after ${words.duration(answer.ms / 1000)}</span>${answer.id && html`<span class="end sm">job <${Id} id=${answer.id} href=${link(['jobs', answer.id])} /></span>`}</header><${Body} blob=${answer.blob} name=${answer.id ?? answer.operation} /></section>`}</div>`
}

function focus(event, error) {
  event.preventDefault()
  const element = document.getElementById(`f${error.problem.pointer.replace('/input', '').replaceAll('/', '-')}`)
  element?.focus()
  element?.scrollIntoView({block: 'center'})
}

function jobOf(error) {
  const id = error.problem?.job?.split('/').at(-1)
  return id && html`<p>It is the job <${Id} id=${id} href=${link(['jobs', id])} />.</p>`
}

function TooMany({sending}) {
  const s = Math.max(0, Math.ceil((sending.waitsUntil.value - now.value) / 1000))
  return html`<${Note} kind="warn" icon="risk" role="status"><p><b>${sending.error.value.message}</b> Nothing was accepted. The same request is sent again in ${words.countdown(s)}.</p>
    <p class="row"><button class="btn" type="button" onClick=${() => sending.stop()}>Stop</button><a class="btn quiet" href="#/jobs?status=scheduled">See what waits</a></p><//>`
}
