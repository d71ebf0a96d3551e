// The time frame of a job: when it may start, until when it must be done, and what that means.
import {instant, now} from './clock.js'
import {html, useId, useRef, useState} from './html.js'
import {Choice} from './parts.js'
import * as words from './words.js'

const UNITS = [[1, 'seconds'], [60, 'minutes'], [3_600, 'hours'], [86_400, 'days']]
const STARTS = [['now', 'At once'], ['in', 'In …'], ['at', 'At …']]
const DEADLINES = [['none', 'None'], ['within', 'Within …'], ['by', 'By …']]

export const AT_ONCE = {start: 'now', startIn: 10, startUnit: 60, startAt: '', deadline: 'none', within: 15, withinUnit: 60, by: '', isStrict: false, tags: '', callback: '', retention: ''}

/** Returns the members of the request's body that the time frame and the rest stand for. */
export function membersOf(frame) {
  const members = {}
  if (frame.start === 'in') members.start = {after: frame.startIn * frame.startUnit}
  if (frame.start === 'at' && frame.startAt) members.start = {at: new Date(frame.startAt).toISOString()}
  if (frame.deadline === 'within') members.deadline = {within: frame.within * frame.withinUnit}
  if (frame.deadline === 'by' && frame.by) members.deadline = {at: new Date(frame.by).toISOString()}
  if (members.deadline && frame.isStrict) members.deadline.or = 'refuse'
  const tags = tagsOf(frame.tags)
  if (Object.keys(tags).length) members.tags = tags
  if (frame.callback.trim()) members.callback = {url: frame.callback.trim()}
  if (frame.retention) members.retention = Number(frame.retention)
  return members
}

/** Separates tags: a value can have commas and spaces, unless `name:` follows. */
const BETWEEN = /[,\s]\s*(?=[a-z0-9_-]+:)/
const partsOf = text => text.split(BETWEEN).map(part => part.trim()).filter(Boolean)

/** Reads `name:value`, separated by commas or spaces. */
const tagsOf = text => Object.fromEntries(partsOf(text).map(part => [part.slice(0, part.indexOf(':')), part.slice(part.indexOf(':') + 1)]))

/** Returns what does not fit, by the field: what is not complete is not sent. */
export function frameFaults(frame) {
  const faults = {}
  if (frame.start === 'at' && !frame.startAt) faults.startAt = 'Choose a date and a time.'
  if (frame.deadline === 'by' && !frame.by) faults.by = 'Choose a date and a time.'
  if (!partsOf(frame.tags).every(part => /^[a-z0-9_-]+:./.test(part))) faults.tags = 'Write each tag as name:value, such as order:42; a name has small letters, digits, - and _.'
  return faults
}

export function TimeFrame({frame, change, runTime, faults}) {
  const set = name => value => change({...frame, [name]: value})
  const isOpen = useRef(frame.tags !== '')
  isOpen.current ||= Boolean(faults.tags)
  return html`<section class="card" aria-labelledby="frame"><header><h2 id="frame">Time frame</h2><span class="sm dim">for a job; the sync door has none</span></header>
    <div class="grid2"><fieldset class="stack tight"><legend class="lb">Start</legend><${Choice} label="Start" options=${STARTS} value=${frame.start} onChange=${set('start')} />
      ${frame.start === 'now' && html`<span class="hint">As soon as a worker is free.</span>`}
      ${frame.start === 'in' && html`<${Amount} label="Start in" value=${frame.startIn} unit=${frame.startUnit} change=${set('startIn')} changeUnit=${set('startUnit')} />`}
      ${frame.start === 'at' && html`<${Moment} label="Start at" value=${frame.startAt} fault=${faults.startAt} change=${set('startAt')} />`}</fieldset>
    <fieldset class="stack tight"><legend class="lb">Deadline</legend><${Choice} label="Deadline" options=${DEADLINES} value=${frame.deadline} onChange=${set('deadline')} />
      ${frame.deadline === 'none' && html`<span class="hint">Flexible: it runs when there is room, within days.</span>`}
      ${frame.deadline === 'within' && html`<${Amount} label="Within" value=${frame.within} unit=${frame.withinUnit} change=${set('within')} changeUnit=${set('withinUnit')} />`}
      ${frame.deadline === 'by' && html`<${Moment} label="Done by" value=${frame.by} fault=${faults.by} change=${set('by')} />`}</fieldset></div>
    <${Picture} frame=${frame} runTime=${runTime} />
    ${frame.deadline !== 'none' && html`<label class="opt"><input type="checkbox" checked=${frame.isStrict} onChange=${event => set('isStrict')(event.target.checked)} /> Refuse it at once if the estimate misses the deadline</label>`}
    <details open=${isOpen.current}><summary>Tags, callback, retention</summary><div class="grid2 pad">
      <${Plain} label="Tags" type="name:value" placeholder="order:42, customer:acme" value=${frame.tags} fault=${faults.tags} change=${set('tags')} /><${Plain} label="Callback" type="https URL" placeholder="https://hooks.example.com/nowlater" value=${frame.callback} change=${set('callback')} />
      <${Retention} value=${frame.retention} change=${set('retention')} /></div></details></section>`
}

/** Keeps what is written: an emptied field stays empty while a number is on its way. */
function Amount({label, value, unit, change, changeUnit}) {
  const [written, write] = useState(String(value))
  const take = event => {
    write(event.target.value)
    change(Math.max(1, Math.floor(Number(event.target.value) || 1)))
  }
  return html`<p class="row"><input class="in few" type="number" min="1" step="1" aria-label=${label} value=${written} onInput=${take} onBlur=${() => write(String(value))} />
    <select class="in few" aria-label="${label}: unit" value=${String(unit)} onChange=${event => changeUnit(Number(event.target.value))}>${UNITS.map(([size, name]) => html`<option key=${size} value=${String(size)}>${name}</option>`)}</select></p>`
}

/** A time of the reader's zone, with the zone of that day: clocks change between summer and winter. */
function Moment({label, value, fault, change}) {
  const id = useId()
  const at = new Date(value || instant())
  const isSkipped = value && Number(value.slice(11, 13)) !== at.getHours()
  return html`<p class="row"><input class="in moment" type="datetime-local" aria-label=${label} aria-invalid=${fault ? 'true' : undefined} aria-describedby=${id} value=${value} onInput=${event => change(event.target.value)} />
    <span class="hint" id=${id}>${words.zone(at)}${isSkipped && `; clocks skip this hour: it means ${words.clockTime(at)}`}${fault && html` <span class="err">${fault}</span>`}</span></p>`
}

function Plain({label, type, placeholder, value, fault, change}) {
  const id = useId()
  return html`<div class="field"><label for=${id}>${label} <span class="ty">${type}</span></label><input class="in" id=${id} placeholder=${placeholder} aria-invalid=${fault ? 'true' : undefined} aria-describedby=${fault ? `${id}-fault` : undefined} value=${value} onInput=${event => change(event.target.value)} />
    ${fault && html`<span class="err" id="${id}-fault">${fault}</span>`}</div>`
}

function Retention({value, change}) {
  const id = useId()
  const options = [['', '1 day'], ['3600', '1 hour'], ['604800', '7 days'], ['2592000', '30 days']]
  return html`<div class="field"><label for=${id}>Keep <span class="ty">after its end</span></label><select class="in" id=${id} value=${value} onChange=${event => change(event.target.value)}>${options.map(([key, text]) => html`<option key=${key} value=${key}>${text}</option>`)}</select></div>`
}

/** The frame as a picture: from now to the deadline, with the run where it probably is. */
function Picture({frame, runTime}) {
  const present = now.value
  const {start, deadline} = membersOf(frame)
  if (!deadline) return null
  const from = start?.after ? present + start.after * 1000 : start?.at ? Date.parse(start.at) : present
  const due = deadline.within ? present + deadline.within * 1000 : Date.parse(deadline.at)
  if (!(due > from)) return html`<p class="err" role="alert">The deadline is not after the start.</p>`
  const run = (runTime?.p50_s ?? 0) * 1000
  const at = t => Math.min(100, Math.max(0, ((t - present) / (due - present)) * 100))
  const s = (due - from - run) / 1000
  const text = run ? (s >= 0 ? `slack ${words.duration(s)}` : `half of all runs take ${words.duration(run / 1000)}: too little time`) : `${words.duration(s)} to run`
  return html`<svg class="ch" height="62" role="img" aria-label="From now to the deadline at ${words.time(due)}: ${text}">
    <line class="s-grid" x1="0" x2="100%" y1="31" y2="31" /><line class="s-now" x1="1" x2="1" y1="16" y2="46" /><text class="b" y="11">now</text>
    ${from > present && html`<rect class="f-later" x="0" y="28" width="${at(from)}%" height="6" rx="3" />`}
    <rect class="f-ok2" x="${at(from + run)}%" y="24" width="${Math.max(0, 99.6 - at(from + run))}%" height="14" rx="3" />
    ${run > 0 && html`<rect class="f-run2" x="${at(from)}%" y="20.5" width="${Math.max(0.6, at(from + run) - at(from))}%" height="21" rx="3" />`}
    <line class="s-due" x1="99.7%" x2="99.7%" y1="16" y2="46" /><text class="b" x="100%" y="11" text-anchor="end">deadline ${words.time(due)}</text><text x="100%" y="58" text-anchor="end">${text}</text></svg>`
}
