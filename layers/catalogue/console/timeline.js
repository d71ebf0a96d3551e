// A job as a picture in time: waits, attempts, the probable end, slack, and the deadline.
import {now} from './clock.js'
import {html, useId} from './html.js'
import {hasEnded} from './parts.js'
import {isFlexible, outcome, slack} from './sentence.js'
import * as words from './words.js'

const STEPS_S = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400]
const FILLS = {succeeded: 'f-ok2', failed: 'f-bad2', 'timed-out': 'f-bad2', 'cut-short': 'f-bad2', refused: 'f-bad2', unavailable: 'f-soft', canceled: 'f-soft', 'deadline-exceeded': 'f-bad2'}
/** Where the picture begins and ends, in percent, and where it is broken if the deadline is far. */
const [LEFT, RIGHT, BREAK] = [0.2, 98, 70]

/** The picture of a job's page. */
export function Timeline({job}) {
  const id = useId()
  const parts = partsOf(job, now.value)
  const at = scale(parts)
  return html`<svg class="ch timeline" height="112" role="img" aria-labelledby="${id}t ${id}d">
    <title id="${id}t">Timeline of the job</title><desc id="${id}d">${describe(job, parts)}</desc>
    <line class="s-grid" x1="${LEFT}%" x2="${RIGHT}%" y1="41" y2="41" />
    <text x="${LEFT}%" y="14">accepted ${words.time(job.created)}</text>
    ${parts.waits.map(wait => html`<${Bar} at=${at} ...${wait} fill=${wait.isPlanned ? 'f-later' : 'f-wait'} y="38" height="6" />`)}
    ${parts.attempts.map(attempt => html`<${Attempt} at=${at} ...${attempt} />`)}
    ${parts.finish && html`<${Bar} at=${at} from=${Math.max(parts.now, parts.runsFrom)} to=${parts.finish} fill="f-run2" y="26.5" height="29" below=${`done about ${words.time(parts.finish)}`} />`}
    ${parts.slack && html`<${Bar} at=${at} ...${parts.slack} fill="f-ok2" y="31" height="20" inside=${`${parts.hasEnded ? '' : 'slack '}${words.duration(parts.slack.s)}${parts.hasEnded ? ' to spare' : ''}`} />`}
    ${!parts.hasEnded && html`<line class="s-now" x1="${at(parts.now)}%" x2="${at(parts.now)}%" y1="19" y2="62" />
      ${at(parts.now) > 22 && html`<text class="b ${at(parts.now) < 48 || at(parts.now) > 52 ? 'wide' : ''}" x="${at(parts.now)}%" y="14" text-anchor="middle">now</text>`}`}
    ${parts.deadline && html`<line class="s-due" x1="${at(parts.deadline)}%" x2="${at(parts.deadline)}%" y1="19" y2="90" />
      <text class="b" x="${at(parts.deadline)}%" y="14" text-anchor="end">deadline ${words.time(parts.deadline)}</text>`}
    <line class="s-axis" x1="${LEFT}%" x2="${RIGHT}%" y1="90" y2="90" />
    ${parts.isBroken && html`<text class="b" x="${BREAK + 1}%" y="94" text-anchor="middle">⁄⁄</text>`}
    ${ticks(parts).map(([t, text], i) => html`<g class=${i % 2 ? 'wide' : ''}><line class="s-axis" x1="${at(t)}%" x2="${at(t)}%" y1="90" y2="95" /><text x="${at(t)}%" y="107" text-anchor=${i ? 'middle' : 'start'}>${text}</text></g>`)}
  </svg>`
}

function Bar({at, from, to, fill, y, height, inside, below}) {
  const [x, width] = [at(from), Math.max(0.25, at(to) - at(from))]
  const middle = `${x + width / 2}%`
  return html`<rect class=${fill} x="${x}%" y=${y} width="${width}%" height=${height} rx="3" />
    ${inside && width > 12 && html`<text class="b ${width < 42 ? 'wide' : ''}" x=${middle} y="45" text-anchor="middle">${inside}</text>`}
    ${below && width > 6 && html`<text class="wide" x=${middle} y="74" text-anchor="middle">${below}</text>`}`
}

function Attempt({at, number, from, to, isRunning, how}) {
  const [x, width] = [at(from), Math.max(0.5, at(to) - at(from))]
  const fill = isRunning ? 'f-run' : (FILLS[how] ?? 'f-soft')
  const word = isRunning ? 'running' : outcome({outcome: how})
  return html`<rect class=${fill} x="${x}%" y="26" width="${width}%" height="30" rx="4" />
    ${width > 2 && html`<text class=${isRunning ? 'on' : 'b'} x="${x + width / 2}%" y="45" text-anchor="middle">${number}${width > 13 && html`<tspan class="wide"> · ${word}</tspan>`}</text>`}
    ${width > 7 && html`<text class="wide" x="${x + width / 2}%" y="74" text-anchor="middle">${words.duration((to - from) / 1000)}</text>`}`
}

/** Returns what the picture consists of; times are in milliseconds. */
export function partsOf(job, present) {
  const created = Date.parse(job.created)
  const ended = job.ended && Date.parse(job.ended)
  const end = ended ?? Math.max(present, created)
  const attempts = attemptsOf(job, end)
  const finish = !ended && job.estimate ? Math.max(Date.parse(job.estimate.finish), end) : null
  const deadline = isFlexible(job) ? null : Date.parse(job.deadline)
  const start = job.start_at ? Date.parse(job.start_at) : null
  const core = Math.max(end, finish ?? 0, start ?? 0, created + 1)
  const s = job.status === 'failed' || job.status === 'canceled' ? null : slack(job)
  const last = attempts.at(-1)
  return {
    created, attempts, finish, deadline, core, hasEnded: Boolean(ended), now: end,
    runsFrom: last?.isRunning ? end : Math.max(end, start ?? 0),
    waits: waitsOf(created, start, attempts, end),
    slack: s !== null && s > 0 ? {from: ended ?? finish, to: deadline, s} : null,
    isBroken: deadline !== null && deadline - created > 2.5 * (core - created),
  }
}

function attemptsOf(job, end) {
  if (job.attempts?.length) {
    return job.attempts.map(a => ({
      number: a.number, from: Date.parse(a.started), to: a.ended ? Date.parse(a.ended) : end, how: a.outcome, isRunning: !a.ended,
    }))
  }
  if (!job.started || job.status === 'queued') return []
  const isRunning = job.status === 'running'
  return [{number: job.attempt, from: Date.parse(job.started), to: end, how: job.status, isRunning}]
}

function waitsOf(created, start, attempts, end) {
  const waits = []
  let from = created
  if (start && start > created) {
    waits.push({from, to: start, isPlanned: true})
    from = start
  }
  for (const attempt of attempts) {
    if (attempt.from > from) waits.push({from, to: attempt.from, below: words.duration((attempt.from - from) / 1000)})
    from = attempt.to
  }
  if (end > from && !attempts.at(-1)?.isRunning) waits.push({from, to: end, below: words.duration((end - from) / 1000)})
  return waits
}

/** Returns a function from times to percent; a far deadline stands behind a break. */
function scale({created, core, deadline, isBroken}) {
  const end = isBroken ? core : Math.max(core, deadline ?? 0)
  const right = isBroken ? BREAK : RIGHT
  return t => {
    if (isBroken && t > core) return BREAK + 2 + ((t - core) / (deadline - core)) * (RIGHT - BREAK - 2)
    return LEFT + ((t - created) / (end - created)) * (right - LEFT)
  }
}

/** Returns a few round times, or durations since acceptance where all happens within seconds. */
function ticks({created, core, deadline, isBroken}) {
  const end = isBroken ? core : Math.max(core, deadline ?? 0)
  const s = (end - created) / 1000
  const step = STEPS_S.find(size => s / size <= 6) ?? s / 4
  const isShort = s < 20
  const first = isShort ? created : Math.ceil(created / 1000 / step) * step * 1000
  const found = []
  for (let t = first; t <= end; t += step * 1000) {
    found.push([t, isShort ? `+${words.duration((t - created) / 1000)}` : step < 60 ? words.time(t) : words.minuteTime(t)])
  }
  return found
}

function describe(job, parts) {
  const tale = [`Accepted at ${words.time(job.created)}.`]
  for (const attempt of parts.attempts) {
    const s = words.duration((attempt.to - attempt.from) / 1000)
    tale.push(attempt.isRunning ? `Attempt ${attempt.number} has run for ${s}.` : `Attempt ${attempt.number} ${outcome({outcome: attempt.how})} after ${s}.`)
  }
  if (parts.finish) tale.push(`It will probably end at ${words.time(parts.finish)}.`)
  if (parts.deadline) tale.push(`The deadline is ${words.time(parts.deadline)}${parts.slack ? `, with ${words.duration(parts.slack.s)} to spare` : ''}.`)
  return tale.join(' ')
}

/** The bar of a row: the time used, the time that it probably takes still, and the slack. */
export function DeadlineBar({job}) {
  if (hasEnded(job)) return null
  const [from, to] = [Date.parse(job.start_at ?? job.created), Date.parse(job.deadline)]
  const share = t => Math.min(100, Math.max(0, ((t - from) / (to - from)) * 100))
  const used = share(now.value)
  const done = job.estimate ? share(Math.max(Date.parse(job.estimate.finish), now.value)) : used
  return html`<svg class="duebar" width="100%" height="6" aria-hidden="true"><rect class="f-soft" width="100%" height="6" rx="3" />
    <rect class="f-run" width="${used}%" height="6" rx="3" />
    ${job.at_risk ? html`<rect class="f-risk" x="${used}%" width="${100 - used}%" height="6" />` : html`<rect class="f-wait" x="${used}%" y="2" width="${done - used}%" height="2" />`}</svg>`
}
