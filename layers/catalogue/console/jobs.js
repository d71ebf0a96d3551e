// The screen of all jobs: what needs me?
import {BulkBar} from './bulk.js'
import {curlOf} from './calls.js'
import {instant} from './clock.js'
import {Icon, html, signal, useEffect, useMemo, useRef, useState} from './html.js'
import {Hints, Key, useKeys} from './keys.js'
import {JobList, listPath} from './list.js'
import {refresh, useLive} from './live.js'
import {Code, Loading, STATUSES, Trouble, announce, copy, hasEnded} from './parts.js'
import {go, link, scrolled} from './route.js'
import {Table} from './rows.js'
import {base, key} from './session.js'
import * as words from './words.js'

const [BUSY_S, CALM_S, COUNTS_S] = [5, 15, 60]
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const SPANS = [['', 'Any time'], ['1', 'Last hour'], ['24', 'Last 24 hours'], ['168', 'Last 7 days']]

/** The last list: the way back to it leads to where the reader was. */
let kept = {name: '', list: null}

function listOf(query) {
  const name = `${key.value} ${query}`
  if (kept.name !== name || !scrolled()) kept = {name, list: new JobList()}
  return kept.list
}

export function JobsScreen({query}) {
  const text = query.toString()
  const list = useMemo(() => listOf(query), [text])
  const selected = useMemo(() => signal(new Map()), [text])
  const seen = useRef(new Set())
  const path = listPath(query)
  const first = useLive(path, data => (data.jobs.some(job => !hasEnded(job)) || list.jobs.length === 0 ? BUSY_S : CALM_S))
  useEffect(() => {
    if (!first.data) return
    list.merge(first.data)
    for (const page of new Set([...seen.current].map(part => part.props.page))) list.renew(page).catch(() => {})
  }, [first.data, first.at])
  const toggle = useToggle(list, selected)
  useRowKeys(list, toggle)
  const onSeen = (part, isSeen) => (isSeen ? seen.current.add(part) : seen.current.delete(part))
  useEffect(() => {
    document.title = 'Jobs · nowlater'
  }, [])
  return html`<${Head} list=${list} at=${first.at} />
    <${Filter} query=${query} path=${path} />
    <${Trouble} error=${first.error?.problem ? first.error : null} again=${refresh} />
    ${list.pages.value.length === 0 ? !first.error && html`<${Loading} what="the jobs" />` : list.jobs.length === 0 && !list.next.value ? html`<${Nothing} query=${query} />` : html`
      <section class="card flush list-card" aria-label="Jobs"><${Table} key=${text} pages=${list.pages.value} selected=${selected} toggle=${toggle} onSeen=${onSeen} /></section>
      <${End} list=${list} />`}
    <${BulkBar} key=${text} selected=${selected} query=${query} select=${jobs => (selected.value = new Map(jobs.map(job => [job.id, job])))} />
    <${Hints} />`
}

function Head({list, at}) {
  const show = () => {
    list.showFresh()
    scrollTo(0, 0)
  }
  return html`<div class="head"><h1>Jobs</h1><span class="xs dim asof">${at && `as of ${words.time(at)}`}</span>
    <div class="end">${list.fresh.value.length > 0 && html`<button class="btn quiet" type="button" onClick=${show}>Show ${list.fresh.value.length}${list.between ? '+' : ''} new</button>`}
    <a class="btn primary" href="#/operations"><${Icon} name="plus" />New job<${Key}>N<//></a></div></div>`
}

/** The end of the list: loads what follows when it comes near, or by its button. */
function End({list}) {
  const element = useRef(null)
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && list.more(), {rootMargin: '1500px 0px'})
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [list.pages.value.length])
  const count = list.jobs.length
  return html`<div class="row end-of-list" ref=${element}><${Trouble} error=${list.error.value} />
    ${list.next.value ? html`<button class="btn quiet" type="button" onClick=${() => list.more()}>${list.isLoading.value ? `Reading more than ${words.number(count)} …` : 'Show older jobs'}</button>` : html`<span class="xs dim">${words.plural(count, 'job')}, no older ones</span>`}</div>`
}

/** Returns what selects a job, or all from the last one to it. */
function useToggle(list, selected) {
  const last = useRef(null)
  return (job, isRange) => {
    const chosen = new Map(selected.value)
    const isOn = !chosen.has(job.id)
    for (const each of isRange && last.current ? between(list.jobs, last.current, job.id) : [job]) {
      if (isOn) chosen.set(each.id, each)
      else chosen.delete(each.id)
    }
    last.current = job.id
    selected.value = chosen
  }
}

function between(jobs, one, other) {
  const [from, to] = [one, other].map(id => jobs.findIndex(job => job.id === id)).sort((a, b) => a - b)
  return jobs.slice(from < 0 ? to : from, to + 1)
}

function useRowKeys(list, toggle) {
  const rows = () => [...document.querySelectorAll('.jobs tr[data-id]')]
  const current = () => document.activeElement.closest?.('tr[data-id]')
  const move = step => {
    const all = rows()
    const next = all[current() ? all.indexOf(current()) + step : 0]
    next?.querySelector('.op').focus()
    next?.scrollIntoView({block: 'nearest'})
  }
  const onRow = does => event => {
    const job = list.jobs.find(each => each.id === current()?.dataset.id)
    if (job) does(job, event)
  }
  useKeys({
    j: [() => move(1), 'next'], k: [() => move(-1), 'previous'], x: [onRow((job, event) => toggle(job, event.shiftKey)), 'select'],
    Enter: [() => current()?.querySelector('.op').click(), ''], y: [onRow(job => copy(job.id, 'The id')), 'copy the id'],
    '/': [() => document.getElementById('find').focus(), 'filter'],
  })
}

function Filter({query, path}) {
  const operations = useLive('/operations', () => null).data?.operations ?? []
  const counted = new URLSearchParams(query)
  counted.delete('status')
  const counts = useLive(`/jobs/counts?${counted}`, () => COUNTS_S)
  const names = [...new Set([...operations.map(o => o.name), query.get('operation')])].filter(Boolean).sort()
  const set = (name, value) => go('jobs', changed(query, name, value))
  return html`<section class="stack tight" aria-label="Filter">
    <nav class="seg fit" aria-label="Status" tabindex="-1">${['', ...STATUSES].map(status => html`<a key=${status} href=${link('jobs', changed(query, 'status', status))}
      aria-current=${(query.get('status') ?? '') === status ? 'true' : undefined}>${words.capital(status || 'all')}<${Count} counts=${counts.data} status=${status} /></a>`)}</nav>
    <div class="filter" role="search"><${Find} query=${query} names=${names} />
      <select class="in" aria-label="Operation" value=${query.get('operation') ?? ''} onChange=${event => set('operation', event.target.value)}><option value="">Any operation</option>${names.map(name => html`<option key=${name} value=${name}>${name}</option>`)}</select>
      <${Span} query=${query} set=${set} /></div>
    <${Chips} query=${query} />
    <p class="row xs dim call"><span class="mono clip">GET ${path}</span>
      <button class="btn quiet" type="button" onClick=${() => copy(location.origin + location.pathname + location.hash, 'The link')}><${Icon} name="link" />Copy link</button>
      <button class="btn quiet" type="button" onClick=${() => copy(curlOf('GET', path), 'The call')}><${Icon} name="copy" />Copy as curl</button></p>
  </section>`
}

function Count({counts, status}) {
  if (!counts) return html` <span class="n" />`
  const jobs = counts.counts.filter(group => !status || group.status === status).reduce((sum, group) => sum + group.jobs, 0)
  return html` <span class="n" title=${counts.complete ? '' : `at least; counted back to ${words.time(counts.since)}`}>${words.number(jobs)}${counts.complete ? '' : '+'}</span>`
}

/** Jobs since when; the address has the exact time, as the API takes it. */
function Span({query, set}) {
  const since = query.get('since')
  const choose = hours => set('since', hours ? new Date(instant() - hours * 3.6e6).toISOString().slice(0, 16) + ':00Z' : '')
  return html`<select class="in" aria-label="Accepted" value=${since ? 'given' : ''} onChange=${event => choose(event.target.value)}>
    ${since && html`<option value="given">Since ${words.minuteTime(since)}</option>`}${SPANS.map(([hours, text]) => html`<option key=${hours} value=${hours}>${text}</option>`)}</select>`
}

/** Takes a tag, an operation or an id: each is recognised. */
function Find({query, names}) {
  const [fault, setFault] = useState('')
  const submit = event => {
    event.preventDefault()
    const text = event.target.elements.find.value.trim()
    if (!text) return setFault('')
    if (ID.test(text)) return go(['jobs', text.toLowerCase()])
    if (names.includes(text)) return go('jobs', changed(query, 'operation', text))
    if (/^[a-z0-9_-]+:.+$/.test(text)) return go('jobs', appended(query, text))
    setFault('Write a tag as name:value, the name of an operation, or a whole job id.')
    return undefined
  }
  return html`<form class="find" onSubmit=${submit}><${Icon} name="search" /><input class="in" id="find" type="search" name="find" aria-label="Tag, operation or id" aria-invalid=${fault ? 'true' : undefined} aria-describedby="find-fault"
    placeholder="Tag as name:value, or a job id" autocomplete="off" /><${Key}>/<//><span class="err" id="find-fault">${fault}</span></form>`
}

function Chips({query}) {
  const pairs = [...query].filter(([name]) => name !== 'status')
  if (!pairs.length) return null
  return html`<p class="row">${pairs.map(([name, value]) => {
    const rest = new URLSearchParams([...query].filter(pair => pair[0] !== name || pair[1] !== value))
    const text = name === 'tag' || name === 'operation' ? value : `${name} ${name === 'since' || name === 'until' ? words.minuteTime(value) : value}`
    return html`<span key=${name + value} class="chip">${text}<button class="cp" type="button" aria-label="Remove ${text} from the filter" onClick=${() => go('jobs', rest)}><${Icon} name="x" /></button></span>`
  })}</p>`
}

/** Returns the query with another value, or without one. */
function changed(query, name, value) {
  const next = new URLSearchParams(query)
  next.delete(name)
  if (value) next.set(name, value)
  return next
}

function appended(query, tag) {
  const next = new URLSearchParams(query)
  if (!next.getAll('tag').includes(tag)) next.append('tag', tag)
  return next
}

function Nothing({query}) {
  if ([...query].length) return html`<div class="empty"><p class="lead"><b>No ${query.get('status') ?? ''} jobs match.</b></p>
    <p class="muted">Remove a part of the filter above, or see all.</p><p><a class="btn" href="#/jobs">Show all jobs</a></p></div>`
  const call = `curl ${base}/async/text-stats \\\n  -H "Authorization: Bearer $KEY" \\\n  --json '{"input": {"text": "To be."}}'`
  return html`<div class="empty"><p class="lead"><b>No jobs yet.</b></p><p class="muted">Send one from here, or paste this:</p><${Code} label="curl">${call}<//>
    <p class="row"><a class="btn primary" href="#/operations"><${Icon} name="plus" />New job<${Key}>N<//></a><button class="btn" type="button" onClick=${() => copy(call, 'The call')}><${Icon} name="copy" />Copy</button></p></div>`
}
