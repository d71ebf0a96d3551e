// Deliveries of webhooks: what a callback was sent, and sending it again.
import {call} from './api.js'
import {Icon, html, useState} from './html.js'
import {refresh} from './live.js'
import {Id, Time, announce} from './parts.js'
import {link} from './route.js'
import * as words from './words.js'

const STATES = {delivered: ['succeeded', 'Delivered'], waiting: ['queued', 'Waiting'], 'given-up': ['failed', 'Given up']}
const FAILURES = {
  unresolved: 'the host has no address', 'address-refused': 'the address is not public, or no longer allowed', unreachable: 'no connection',
  tls: 'no TLS, or an invalid certificate', 'timed-out': 'no response in 15 s', broken: 'the response is not HTTP', 'held-back': 'not sent: the host failed several times in a row',
}

const path = (job, number) => `/jobs/${job}/deliveries/${number}/replay`

/** Has a delivery sent again; returns why that was refused, or null. */
export async function replay(job, number) {
  try {
    await call('POST', path(job, number))
    return null
  } catch (error) {
    return error.message
  }
}

export function State({state}) {
  const [icon, text] = STATES[state] ?? ['queued', state]
  return html`<span class="st ${icon}"><${Icon} name=${icon} />${text}</span>`
}

/** What the last attempt of a delivery met, in words. */
export function lastReply({attempts, count}) {
  const last = attempts.at(-1)
  if (!last) return count ? `${words.plural(count, 'attempt')}` : 'not sent yet'
  if (last.failure) return `${last.failure.name}: ${last.failure.detail || FAILURES[last.failure.name] || ''}`
  return `answered ${last.status} in ${words.duration(last.latency_ms / 1000)}${last.reply && last.status >= 400 ? `: ${last.reply}` : ''}`
}

export function SendAgain({job, delivery, name}) {
  const [isSending, setSending] = useState(false)
  const send = async () => {
    setSending(true)
    const fault = await replay(job, delivery.number)
    announce(fault ?? 'It is sent again, with the same id.')
    setSending(false)
    refresh()
  }
  return html`<button class="btn" type="button" disabled=${isSending} aria-label=${name && `Send again: ${name}`} onClick=${send}><${Icon} name="retry" />Send again</button>`
}

/** The deliveries of one job, each with its attempts. */
export function JobDeliveries({job, deliveries}) {
  return html`<section class="card" aria-label="Webhooks"><h2>Webhooks</h2>${deliveries.map(
    delivery => html`<div class="stack tight" key=${delivery.number}><div class="row"><${State} state=${delivery.state} /><span class="mono sm where">${delivery.url}</span><span class="end"><${SendAgain} job=${job.id} delivery=${delivery} /></span></div>
      <ol class="line">${delivery.attempts.map((attempt, i) => html`<li key=${i} class=${attempt.failure || attempt.status >= 300 ? 'failed' : 'succeeded'}><${Icon} name=${attempt.failure || attempt.status >= 300 ? 'failed' : 'check'} /><${Time} at=${attempt.at} /><div>${words.capital(lastReply({attempts: [attempt]}))}</div></li>`)}
      ${delivery.next && html`<li class="later"><${Icon} name="scheduled" /><${Time} at=${delivery.next} /><div>Sent again</div></li>`}</ol></div>`,
  )}</section>`
}

/** A delivery's row on the screen of all webhooks. */
export function DeliveryRow({delivery, selected, toggle}) {
  const href = link(['jobs', delivery.job])
  return html`<tr role="row"><td role="cell" class="check"><label><input type="checkbox" aria-label="Select the delivery of ${delivery.operation} ${delivery.job.slice(-4)}" checked=${selected} onChange=${toggle} /></label></td>
    <td role="cell" class="s"><${State} state=${delivery.state} /></td><td role="cell" class="o"><a class="op" href=${href}>${delivery.operation}</a></td><td role="cell" class="m"><${Id} id=${delivery.job} href=${href} /></td>
    <td role="cell" class="say"><span class="clip" title=${delivery.url}><b>${hostOf(delivery.url)}</b> · ${lastReply(delivery)}</span></td><td role="cell" class="num wide">${words.number(delivery.count)}</td>
    <td role="cell" class="nw due">${delivery.next ? html`<span class="narrow">next attempt </span><${Time} at=${delivery.next} />` : html`<span class="wide">–</span>`}</td><td role="cell" class="num a"><${SendAgain} job=${delivery.job} delivery=${delivery} name="${delivery.operation} ${delivery.job.slice(-4)}" /></td></tr>`
}

export function hostOf(url) {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}
