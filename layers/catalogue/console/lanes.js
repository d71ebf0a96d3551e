// The screen of lanes: is the work keeping up?
import {Bars, Dots, Legend, Range} from './charts.js'
import {instant, slowly} from './clock.js'
import {html, useEffect, useMemo, useState} from './html.js'
import {Hints, useKeys} from './keys.js'
import {collect} from './list.js'
import {refresh, useLive} from './live.js'
import {Choice, Id, Loading, Note, Time, Trouble, UNFINISHED} from './parts.js'
import {link} from './route.js'
import {short, slack, tookS} from './sentence.js'
import {byInterval, byOperation, quantile, waitedS} from './stats.js'
import * as words from './words.js'

const [LANES_S, AT_RISK_S, NEXT_S, COUNTS_S] = [10, 15, 30, 60]
/** Hours that are looked at, and seconds of an interval of them. */
const SPANS = {1: 300, 24: 3_600, 168: 21_600}
/** The most jobs whose times are read. */
const MOST = 300
const ABOUT = {'on-time': 'jobs with a deadline', flexible: 'jobs without one; they never delay the others'}
const FILLS = {succeeded: 'f-ok', failed: 'f-bad', canceled: 'f-wait'}

export function LanesScreen() {
  const [hours, setHours] = useState('24')
  const lanes = useLive('/lanes', () => LANES_S)
  const busy = useLive('/jobs?status=queued&status=running&limit=100', () => AT_RISK_S)
  useKeys({1: [() => setHours('1'), 'last hour'], 2: [() => setHours('24'), 'last day'], 3: [() => setHours('168'), 'last week']})
  useEffect(() => {
    document.title = 'Lanes · nowlater'
  }, [])
  return html`<div class="head"><h1>Lanes</h1><span class="xs dim asof">${lanes.data && `as of ${words.time(lanes.data.as_of)}`}</span>
      <div class="end"><${Choice} label="Time span" options=${[['1', '1 h'], ['24', '24 h'], ['168', '7 d']]} value=${hours} onChange=${setHours} /></div></div>
    <${AtRisk} jobs=${busy.data?.jobs ?? []} />
    ${lanes.data ? html`<div class="grid2 wideg">${lanes.data.lanes.map(lane => html`<${Lane} key=${lane.lane} lane=${lane} asOf=${lanes.data.as_of} isComplete=${lanes.data.complete} />`)}</div>` : lanes.error?.problem ? html`<${Missing} error=${lanes.error} />` : html`<${Loading} what="the lanes" />`}
    <${History} key=${hours} hours=${Number(hours)} />
    <${Next} /><${Hints} />`
}

/** An API of an earlier version has no such route: the rest of the screen does without. */
function Missing({error}) {
  return error.status === 404 ? html`<${Note} icon="lanes">This stack does not tell how full its lanes are yet: it needs an upgrade.<//>` : html`<${Trouble} error=${error} again=${refresh} />`
}

function AtRisk({jobs}) {
  const risky = jobs.filter(job => job.at_risk)
  if (!risky.length) return null
  return html`<${Note} kind="warn" icon="risk"><p><b>${words.plural(risky.length, 'job')} will probably miss ${risky.length === 1 ? 'its deadline' : 'their deadlines'}:</b></p>
    <ul class="plain">${risky.slice(0, 5).map(job => html`<li key=${job.id}><a href=${link(['jobs', job.id])}>${job.operation} ${words.shortId(job.id)}</a>${slack(job) < 0 ? `, by ${words.duration(-slack(job))}` : ''}. ${short(job)}.</li>`)}</ul><//>`
}

function Lane({lane, asOf, isComplete}) {
  const {yours} = lane
  const numbers = [
    ['Waiting', lane.waiting ?? '–', 'of all owners'],
    ['Running', lane.in_flight ?? '–', `of at most ${lane.concurrency} at once`],
    ['Yours', words.number(yours.queued + yours.running), `${isComplete ? '' : 'at least '}${yours.queued} waiting, ${yours.running} running`],
    ['Your oldest waits', yours.waiting_since ? words.countdown(words.seconds(yours.waiting_since, asOf)) : '–', ''],
  ]
  return html`<section class="card" aria-labelledby=${lane.lane}><header><h2 id=${lane.lane}>${lane.lane}</h2><span class="sm dim">${ABOUT[lane.lane]}</span></header>
    <p class="lead">${sentenceOf(lane)}</p><dl class="nums below-each">${numbers.map(([name, value, small]) => html`<div key=${name}><dt>${name}</dt><dd>${value} <small>${small}</small></dd></div>`)}</dl>
    <${Capacity} lane=${lane} /></section>`
}

function sentenceOf({waiting, in_flight: runs, delayed, concurrency}) {
  if (waiting === null) return 'How many messages it has cannot be read now.'
  const later = delayed ? ` ${words.plural(delayed, 'job')} ${delayed === 1 ? 'starts' : 'start'} within 15 minutes.` : ''
  if (!waiting) return `Nothing waits for a worker.${later}`
  return `${words.plural(waiting, 'job')} ${waiting === 1 ? 'waits' : 'wait'}${runs >= concurrency ? ', as all workers of this lane are busy' : ''}.${later}`
}

/** One square for each job that may run at once; what waits stands behind. */
function Capacity({lane}) {
  const cells = Math.min(lane.concurrency, 40)
  const busy = Math.min(cells, Math.round(((lane.in_flight ?? 0) / lane.concurrency) * cells))
  const width = 100 / cells
  return html`<svg class="ch" height="14" role="img" aria-label="${lane.in_flight ?? 'An unknown number'} of ${lane.concurrency} run">${Array.from({length: cells}, (_, i) => html`<rect key=${i} class=${i < busy ? 'f-run' : 'f-soft'} x="${i * width}%" width="${width - 0.6}%" height="14" rx="2" />`)}</svg>`
}

/** What became of the owner's jobs in a span of time, and how long they waited and ran. */
function History({hours}) {
  const since = useMemo(() => Math.floor((instant() - hours * 3.6e6) / 60_000) * 60_000, [])
  const from = new Date(since).toISOString()
  const counts = useLive(`/jobs/counts?since=${from}&interval=${SPANS[hours]}`, () => COUNTS_S)
  const times = useTimes(from)
  if (counts.error?.status === 404 || counts.error?.status === 400) return html`<${Note} icon="jobs">This stack does not count jobs yet: it needs an upgrade.<//>`
  if (counts.error?.problem && !counts.data) return html`<${Trouble} error=${counts.error} again=${refresh} />`
  if (!counts.data || !times) return html`<${Loading} what="what became of your jobs" />`
  const groups = counts.data.counts
  if (!groups.length) return html`<section class="card"><h2>Your jobs</h2><p class="muted">None was accepted in this time.</p></section>`
  const bars = byInterval(groups, since, SPANS[hours], slowly.value, status => FILLS[status] ?? 'f-run')
  const sum = status => groups.filter(group => group.status === status).reduce((all, group) => all + group.jobs, 0)
  const unfinished = UNFINISHED.reduce((all, status) => all + sum(status), 0)
  return html`<section class="card" aria-labelledby="became"><header><h2 id="became">Jobs accepted, and what became of them</h2>${!counts.data.complete && html`<span class="sm dim">the newest, since ${words.time(counts.data.since)}</span>`}
      <span class="end"><${Legend} items=${[['f-ok', `succeeded ${words.number(sum('succeeded'))}`], ['f-bad', `failed ${words.number(sum('failed'))}`], ['f-wait', `canceled ${words.number(sum('canceled'))}`], ['f-run', `unfinished ${words.number(unfinished)}`]]} /></span></header>
      <${Bars} bars=${bars} fills=${['f-ok', 'f-run', 'f-wait', 'f-bad']} name="Jobs by the time of their acceptance: ${sum('succeeded')} succeeded, ${sum('failed')} failed, ${sum('canceled')} were canceled, ${unfinished} have not ended." /></section>
    <${Operations} groups=${groups} jobs=${times.jobs} since=${since} hours=${hours} />
    <${Times} times=${times} since=${since} />`
}

/** Reads the newest jobs since then, once. */
function useTimes(from) {
  const [times, setTimes] = useState(null)
  useEffect(() => {
    let isGone = false
    const jobs = []
    collect(new URLSearchParams({since: from}), page => {
      jobs.push(...page)
      return !isGone && jobs.length < MOST
    }).catch(() => {}).then(() => !isGone && setTimes({jobs, isAll: jobs.length < MOST}))
    return () => (isGone = true)
  }, [from])
  return times
}

function Operations({groups, jobs, since, hours}) {
  const rows = byOperation(groups, jobs)
  const all = rows.flatMap(row => row.ran).filter(s => s > 0)
  const [low, high] = [Math.max(0.001, Math.min(...all, 1) / 1.5), Math.max(...all, 1) * 1.5]
  return html`<section class="card flush" aria-labelledby="operations"><header><h2 id="operations">Run times and failures, by operation</h2><span class="end"><${Legend} items=${[['f-run', 'median'], ['f-run2 solid', 'to the 90th percentile'], ['f-bad', 'failed, over time']]} /></span></header>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of operations"><table><thead><tr><th scope="col">Operation</th><th scope="col" class="num">Jobs</th><th scope="col" class="num wide">Waited, median</th><th scope="col" class="num">Ran, median</th><th scope="col" class="num wide">9 of 10</th><th scope="col" class="plot wide">Run times</th><th scope="col" class="num">Failed</th><th scope="col" class="plot wide far">Failures over time</th></tr></thead>
    <tbody>${rows.map(row => html`<tr key=${row.operation}><th scope="row"><a href=${link('jobs', {operation: row.operation})}>${row.operation}</a></th><td class="num">${words.number(row.jobs)}</td><td class="num wide nw">${inWords(quantile(row.waited, 0.5))}</td><td class="num nw">${inWords(quantile(row.ran, 0.5))}</td><td class="num wide nw">${inWords(quantile(row.ran, 0.9))}</td>
      <td class="plot wide">${row.ran.length > 0 && html`<${Range} p50=${quantile(row.ran, 0.5)} p90=${quantile(row.ran, 0.9)} low=${low} high=${high} />`}</td><td class="num nw">${row.failed ? html`<a href=${link('jobs', {operation: row.operation, status: 'failed'})}>${words.number(row.failed)}</a>` : 0} <span class="dim pct">${Math.round((100 * row.failed) / row.jobs)} %</span></td>
      <td class="plot wide far"><${Bars} bars=${byInterval(groups.filter(group => group.operation === row.operation && group.status === 'failed'), since, SPANS[hours], slowly.value, () => 'f-bad')} fills=${['f-bad']} name="Failed jobs of ${row.operation}: ${row.failed}" format=${null} height=${18} /></td></tr>`)}</tbody></table></div></section>`
}

const inWords = s => (s === null ? '–' : words.duration(s))

function Times({times, since}) {
  const {jobs, isAll} = times
  const ran = jobs.filter(job => job.ended && job.started).map(job => ({at: Date.parse(job.created), s: Math.max(0.01, tookS(job)), fill: job.status === 'failed' ? 'f-bad' : 'f-run'}))
  const waited = jobs.map(job => ({at: Date.parse(job.created), s: waitedS(job), fill: 'f-wait'})).filter(point => point.s !== null)
  if (!ran.length) return null
  const oldest = Date.parse(jobs.at(-1).created)
  const from = Math.max(since, oldest - (instant() - oldest) * 0.04)
  return html`<section class="card" aria-labelledby="times"><header><h2 id="times">How long they waited and ran</h2><span class="sm dim">${isAll ? 'all' : 'the newest'} ${words.plural(jobs.length, 'job')}, by the time of acceptance</span><span class="end"><${Legend} items=${[['f-wait', 'waited'], ['f-run', 'ran'], ['f-bad', 'ran, and failed']]} /></span></header>
    <${Dots} points=${[...waited, ...ran]} from=${from} to=${instant()} name="Half of ${words.plural(ran.length, 'job')} ran for at most ${inWords(quantile(ran.map(point => point.s).sort((a, b) => a - b), 0.5))}, and waited for at most ${inWords(quantile(waited.map(point => point.s).sort((a, b) => a - b), 0.5))}." /></section>`
}

function Next() {
  const {data} = useLive('/jobs?status=scheduled&limit=100', () => NEXT_S)
  const jobs = [...(data?.jobs ?? [])].sort((a, b) => a.start_at.localeCompare(b.start_at)).slice(0, 8)
  if (!jobs.length) return null
  return html`<section class="card flush" aria-labelledby="next"><header><h2 id="next">Next to start</h2><span class="end"><a class="sm" href="#/jobs?status=scheduled">All that are scheduled</a></span></header>
    <table><thead class="vh"><tr><th>At</th><th>Operation</th><th>Job</th></tr></thead><tbody>${jobs.map(job => html`<tr key=${job.id}><td class="nw"><${Time} at=${job.start_at} /></td><td><a class="op" href=${link(['jobs', job.id])}>${job.operation}</a></td><td class="num"><${Id} id=${job.id} href=${link(['jobs', job.id])} /></td></tr>`)}</tbody></table></section>`
}
