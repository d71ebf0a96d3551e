// Numbers from jobs: how long they waited and ran, and how many of them failed, by operation.
import {hasEnded} from './parts.js'
import {tookS} from './sentence.js'

/** Returns how long a job waited for its first known attempt; null before that. */
export function waitedS(job) {
  const first = job.attempts?.[0]?.started ?? (job.attempt === 1 ? job.started : null)
  return first ? Math.max(0, (Date.parse(first) - Date.parse(job.start_at ?? job.created)) / 1000) : null
}

export function quantile(sorted, share) {
  if (!sorted.length) return null
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}

/** Returns a row for each operation: counts of all its jobs, and times of those that were read. */
export function byOperation(groups, jobs) {
  const rows = new Map()
  for (const {operation, status, jobs: count} of groups) {
    const row = rows.get(operation) ?? {operation, jobs: 0, failed: 0}
    row.jobs += count
    if (status === 'failed') row.failed += count
    rows.set(operation, row)
  }
  for (const row of rows.values()) {
    const read = jobs.filter(job => job.operation === row.operation)
    Object.assign(row, {waited: sorted(read.map(waitedS)), ran: sorted(read.filter(hasEnded).map(tookS))})
  }
  return [...rows.values()].sort((a, b) => b.jobs - a.jobs)
}

const sorted = values => values.filter(value => value !== null).sort((a, b) => a - b)

/** Returns a bar for each interval from `since` until now: how many jobs have which status. */
export function byInterval(groups, since, intervalS, now, fillOf) {
  const step = intervalS * 1000
  const first = Math.floor(since / step) * step
  const bars = []
  for (let from = first; from <= now; from += step) bars.push({from, parts: {}})
  for (const {from, status, jobs} of groups) {
    const bar = bars[(Date.parse(from) - first) / step]
    if (bar) bar.parts[fillOf(status)] = (bar.parts[fillOf(status)] ?? 0) + jobs
  }
  return bars
}
