// What happened to a job, and what comes next, as an ordered list: the timeline in words.
import {Icon, html} from './html.js'
import {Time, hasEnded} from './parts.js'
import {isFlexible, outcome} from './sentence.js'
import * as words from './words.js'

const ICONS = {succeeded: 'succeeded', canceled: 'canceled', unavailable: 'queued'}

export function History({job}) {
  return html`<section class="card" aria-label="What happened"><header><h2>What happened</h2><span class="end xs dim">times of your zone, ${words.zone()}</span></header>
    <ol class="line">${[...past(job), ...future(job)].map(({icon, kind, at, text, more}, i) => html`<li key=${i} class=${kind}><${Icon} name=${icon} />${at ? html`<${Time} at=${at} format=${kind === 'later' ? words.time : words.exactTime} />` : html`<span class="dim then">then</span>`}<div>${text} <span class="dim">${more}</span></div></li>`)}</ol></section>`
}

function past(job) {
  const events = [{icon: 'check', kind: '', at: job.created, text: 'Accepted', more: job.retry_of ? 'as a retry of an earlier job' : ''}]
  const attempts = job.attempts ?? (job.started ? [{number: job.attempt, started: job.started, ended: job.ended, outcome: job.ended && job.status}] : [])
  if (attempts[0]?.number > 1) events.push({icon: 'down', kind: 'queued', at: null, text: `${words.plural(attempts[0].number - 1, 'earlier attempt')}`, more: ''})
  let free = job.start_at ?? job.created
  for (const attempt of attempts) {
    const waited = words.seconds(free, attempt.started)
    events.push({icon: 'right', kind: '', at: attempt.started, text: `Attempt ${attempt.number} started`, more: waited > 0.1 ? `after a wait of ${words.duration(waited)}` : ''})
    if (attempt.outcome) {
      const icon = ICONS[attempt.outcome] ?? 'failed'
      events.push({icon, kind: icon, at: attempt.ended, text: `Attempt ${attempt.number} ${outcome(attempt)}`, more: `after ${words.duration(Math.max(0, words.seconds(attempt.started, attempt.ended)))}${attempt.detail ? `: ${attempt.detail}` : ''}`})
      free = attempt.ended
    }
  }
  const isLastTold = attempts.at(-1)?.outcome === job.status || (job.status === 'failed' && attempts.at(-1)?.ended === job.ended)
  if (hasEnded(job) && !isLastTold) events.push({icon: job.status, kind: job.status, at: job.ended, text: words.capital(job.status), more: job.error ? `as ${job.error.code}` : ''})
  return events
}

function future(job) {
  if (hasEnded(job)) return []
  const events = []
  if (job.not_before || job.status === 'scheduled') events.push({icon: 'scheduled', at: job.not_before ?? job.start_at, text: job.attempt ? 'The next attempt may start' : 'It may start'})
  if (job.estimate) events.push({icon: 'flag', at: job.estimate.finish, text: 'Probably done'})
  events.push({icon: 'scheduled', at: job.deadline, text: isFlexible(job) ? 'Limit of flexible jobs' : 'Deadline', more: '(nothing starts or succeeds after it)'})
  return events.map(event => ({...event, kind: 'later'}))
}
