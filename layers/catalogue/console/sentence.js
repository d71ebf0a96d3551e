// What a job does now, and why, in one sentence.
import {instant} from './clock.js'
import {hasEnded} from './parts.js'
import * as words from './words.js'

const OUTCOMES = {
  failed: 'failed',
  'timed-out': 'ran too long',
  refused: 'was refused',
  unavailable: 'found something unavailable',
  'cut-short': 'was cut short',
  canceled: 'was canceled',
  'deadline-exceeded': 'ran into the deadline',
  succeeded: 'succeeded',
}

/** Returns how an attempt ended, as a verb. */
export const outcome = attempt => OUTCOMES[attempt.outcome] ?? attempt.outcome

/** Returns the last attempt that has ended, if the API tells of attempts. */
export const lastAttempt = job => (job.attempts ?? []).findLast(attempt => attempt.outcome)

/** Whether its deadline is the stack's limit for jobs that asked for none. */
export const isFlexible = job => job.lane === 'flexible'

/** Returns seconds between the probable end, or the end, and the deadline; null where it is not known. */
export function slack(job) {
  const end = hasEnded(job) ? job.ended : job.estimate?.finish
  return end && !isFlexible(job) ? words.seconds(end, job.deadline) : null
}

/** Returns the sentence of a list's row. */
export function short(job) {
  switch (job.status) {
    case 'scheduled':
      return `Starts ${words.time(job.start_at)}, in ${until(job.start_at)}`
    case 'queued':
      return queued(job)
    case 'running':
      return running(job)
    case 'succeeded':
      return `Done in ${took(job)}`
    default:
      return job.error?.detail ?? job.error?.title ?? words.capital(job.status)
  }
}

/** Returns how long the last attempt took, or has taken until now. */
export const tookS = job => (job.started ? words.seconds(job.started, job.ended ?? new Date(instant()).toISOString()) : null)

function took(job) {
  const s = tookS(job)
  return s === null ? 'no time' : words.duration(Math.max(0, s))
}

const until = at => words.countdown(Math.max(0, (Date.parse(at) - instant()) / 1000))

function queued(job) {
  const last = lastAttempt(job)
  const waits = job.not_before && Date.parse(job.not_before) > instant()
  if (last?.outcome === 'unavailable' && waits) {
    return `${last.detail || 'What it needs is not available'}: tries again in ${until(job.not_before)}`
  }
  if (job.attempt > 0) {
    const why = last ? `Attempt ${last.number} ${outcome(last)}` : `Attempt ${job.attempt} did not succeed`
    return `${why}; attempt ${job.attempt + 1} starts ${waits ? `in ${until(job.not_before)}` : 'when a worker is free'}`
  }
  const {waiting} = job.estimate?.rests_on ?? {}
  if (waiting) return `Behind ${words.plural(waiting, 'job')} of its lane; ${probably(job)}`
  return job.estimate ? `Waits for a worker; ${probably(job)}` : 'Waits for a worker'
}

function probably(job) {
  const s = (Date.parse(job.estimate.finish) - instant()) / 1000
  return s > 1 ? `probably done in ${words.countdown(s)}` : 'probably done in a moment'
}

function running(job) {
  const attempt = job.attempt > 1 ? `attempt ${job.attempt}${job.attempts_left === undefined ? '' : ` of ${job.attempt + job.attempts_left}`}` : ''
  const {fraction, message} = job.progress ?? {}
  const reported = [fraction == null ? '' : words.percent(fraction), message].filter(Boolean).join(', ')
  if (reported) return [reported, attempt].filter(Boolean).join('; ')
  const {runs, p50_s: p50} = job.estimate?.rests_on ?? {}
  const since = tookS(job)
  const how = p50 && since > p50 ? `Longer than half of its ${words.number(runs)} earlier runs` : job.estimate ? words.capital(probably(job)) : 'Running; no earlier run shows how long it takes'
  return [how, attempt].filter(Boolean).join('; ')
}

/** Returns the sentence at the head of a job's page, as parts: text, and what is to be emphasised. */
export function long(job) {
  if (job.status === 'succeeded') return succeeded(job)
  if (hasEnded(job)) return [short(job)]
  const text = `${short(job)}.`
  const s = slack(job)
  if (s === null) return [text, isFlexible(job) ? ' It is flexible: it runs when there is room, within the limit below.' : '']
  return s >= 0
    ? [`${text} It will probably end `, `${words.duration(s)} before the deadline`, '.']
    : [`${text} It will probably end `, `${words.duration(-s)} too late`, '.']
}

function succeeded(job) {
  const s = slack(job)
  const start = [`It succeeded in ${took(job)}`]
  const attempts = job.attempt > 1 ? `, at attempt ${job.attempt}` : ''
  return s === null ? [`${start}${attempts}.`] : [`${start}${attempts}, `, `${words.duration(s)} before the deadline`, '.']
}
