// The screen of operations: what can I run, and when is it done?
import {CopyAs, callsOf} from './calls.js'
import {Answer, Doors, Sending, WAIT_S} from './doors.js'
import {Fields, fieldId} from './form.js'
import {AT_ONCE, TimeFrame, frameFaults, membersOf} from './frame.js'
import {Icon, html, useEffect, useMemo, useRef, useState} from './html.js'
import {recall} from './inputs.js'
import {refresh, useLive} from './live.js'
import {Loading, Note, Trouble} from './parts.js'
import {link, replace} from './route.js'
import {example, faultsOf, initial} from './schema.js'
import * as words from './words.js'

const [LIST_S, ONE_S] = [60, 60]
/** Characters of a description that stand before the form. */
const LONG = 500

export function OperationsScreen({name, query}) {
  const {data, error} = useLive('/operations', () => LIST_S)
  const operations = data?.operations ?? []
  useEffect(() => {
    document.title = `${name ?? 'Operations'} · nowlater`
    if (!name && operations.length) replace(['operations', operations[0].name], query)
  }, [name, operations.length])
  const list = useRef(null)
  useEffect(() => {
    // On a narrow page the list is a line, of which a part is seen.
    const current = list.current?.querySelector('[aria-current]')
    if (current) list.current.firstChild.scrollLeft = current.offsetLeft - list.current.offsetLeft - 16
  }, [name, operations.length])
  return html`<div class="head"><h1>Operations</h1>${data && html`<span class="sm dim">${words.number(operations.length)}, each with a form from its schema</span>`}</div>
    <${Trouble} error=${error?.problem ? error : null} again=${refresh} />
    <div class="split">${data ? html`<nav class="list" ref=${list} aria-label="Operations"><ul>${operations.map(each => html`<li key=${each.name}><a href=${link(['operations', each.name])} aria-current=${each.name === name ? 'true' : undefined}><b>${each.name}</b><span>${each.description.split('\n')[0]}</span></a></li>`)}</ul></nav>` : !error?.problem && html`<${Loading} what="the operations" />`}
    ${name && html`<${One} key=${name + query} name=${name} from=${query.get('from')} />`}</div>`
}

function One({name, from}) {
  const {data, error} = useLive(`/operations/${encodeURIComponent(name)}`, () => ONE_S)
  const old = useLive(from ? `/jobs/${from}` : null, () => null)
  if (error?.problem) return html`<div class="stack"><${Trouble} error=${error} again=${refresh} /></div>`
  if (!data || (from && !old.data && !old.error)) return html`<${Loading} what="the operation" />`
  return html`<${Form} operation=${data} from=${from} tags=${old.data?.tags ?? {}} />`
}

function Form({operation, from, tags}) {
  const schema = operation.input
  const began = useMemo(() => beginning(schema, from), [])
  const [value, setValue] = useState(began.value)
  const [text, setText] = useState(null)
  const [touched, setTouched] = useState([])
  const [frame, setFrame] = useState({...AT_ONCE, tags: Object.entries(tags).map(([tag, given]) => `${tag}:${given}`).join(', ')})
  const sending = useMemo(() => new Sending(), [])
  const form = useRef(null)
  const all = faultsOf(value, schema, schema)
  const shown = [...all.filter(fault => touched === true || touched.includes(fault.pointer)), ...refusal(sending.error.value)]
  const members = membersOf(frame)
  const doors = Object.keys(operation.doors)
  const primary = frame.start === 'now' && frame.deadline === 'none' && doors.includes('hybrid') ? 'hybrid' : doors.includes('async') ? 'async' : doors[0]
  const change = next => {
    setValue(next)
    setText(null)
  }
  const send = door => {
    if (all.length || (door !== 'sync' && Object.keys(frameFaults(frame)).length)) {
      setTouched(true)
      requestAnimationFrame(() => form.current.querySelector('[aria-invalid]')?.focus())
      return undefined
    }
    const unread = form.current.querySelector('#json[aria-invalid]')
    if (unread) return unread.focus()
    sending.send({door, operation: operation.name, input: value, text, members})
    return undefined
  }
  // A bound is checked when its field is left, not while it is written.
  const leave = event => event.target.id?.startsWith('f-') && touched !== true && setTouched([...touched, pointerOf(event.target.id, all)])
  const copied = {operation: operation.name, door: primary, input: value, frame: primary === 'sync' ? {} : members, prefer: primary === 'hybrid' ? `wait=${WAIT_S}` : ''}
  return html`<div class="stack"><${About} operation=${operation} />
    <form class="stack" ref=${form} noValidate onSubmit=${event => event.preventDefault()} onKeyDown=${event => onKeys(event, doors, send)} onBlurCapture=${leave}>
    <section class="card" aria-labelledby="input"><header><h2 id="input">Input</h2><span class="end"><button class="btn quiet" type="button" onClick=${() => change(example(schema, schema))}>Fill in the example</button></span></header>
      ${began.note && html`<${Note} icon=${began.note[0]}>${began.note[1]}<//>`}
      ${touched === true && shown.length > 0 && html`<${Faults} faults=${shown} />`}
      <div class="beside"><${Fields} schema=${schema} root=${schema} value=${value} change=${change} faults=${shown} />
      <${AsJson} value=${value} text=${text} change=${(next, written) => { setValue(next); setText(written) }} /></div></section>
    <${TimeFrame} frame=${frame} change=${setFrame} runTime=${operation.run_time} faults=${touched === true ? frameFaults(frame) : {}} />
    <${Doors} doors=${doors} primary=${primary} isBusy=${sending.doing.value !== ''} send=${send} />
    <${Answer} sending=${sending} titleOf=${pointer => pointer.replace('/input/', '').replaceAll('/', ' › ')} /></form>
    <${CopyAs} about="what the form says, at the ${primary} door" calls=${callsOf(copied)} /></div>`
}

const pointerOf = (id, faults) => faults.find(fault => fieldId(fault.pointer) === id)?.pointer ?? ''

/** What the API found, at the field that it names. */
function refusal(error) {
  const pointer = error?.problem?.pointer
  return pointer?.startsWith('/input') ? [{pointer: pointer.slice('/input'.length), text: error.message}] : []
}

/** Returns what the form begins with, and where that is from. */
function beginning(schema, from) {
  const kept = recall(from)
  if (kept) {
    try {
      return {value: JSON.parse(kept), note: ['edit', 'This is what this tab sent for the job. Edit it, and send it as a new job.']}
    } catch {
      return {value: initial(schema, schema)}
    }
  }
  if (from) return {value: example(schema, schema), note: ['edit', 'The API never gives an input back, and this tab did not send it: the form has the example of the schema.']}
  return {value: initial(schema, schema) ?? {}}
}

function onKeys(event, doors, send) {
  if (event.key !== 'Enter') return
  const door = event.metaKey || event.ctrlKey ? 'async' : event.altKey ? 'sync' : event.shiftKey && event.target.tagName !== 'TEXTAREA' ? 'hybrid' : null
  if (!door || !doors.includes(door)) return
  event.preventDefault()
  send(door)
}

function About({operation}) {
  const {runs, p50_s: p50, p90_s: p90} = operation.run_time
  const [whole, ...others] = operation.description.split('\n\n')
  const isLong = whole.length > LONG
  const first = isLong ? `${whole.slice(0, whole.lastIndexOf(' ', LONG))} …` : whole
  const more = isLong ? [whole, ...others] : others
  const numbers = [
    runs > 0 && ['Half are done in', words.duration(p50)], runs > 0 && ['Nine tenths in', words.duration(p90)], ['Runs', words.number(runs), 'that succeeded'],
    ['May run for', words.duration(operation.limits.timeout_s), words.plural(operation.limits.attempts, 'attempt')],
  ].filter(Boolean)
  return html`<section class="stack" aria-labelledby="operation"><div class="head"><h2 class="big" id="operation">${operation.name}</h2><span class="end"><a class="btn quiet" href=${link('jobs', {operation: operation.name})}><${Icon} name="jobs" />Its jobs</a></span></div>
    <p class="muted about">${first}</p>${more.length > 0 && html`<details><summary>More about it</summary><p class="muted pad about">${more.join('\n\n')}</p></details>`}
    <dl class="nums">${numbers.map(([name, value, small]) => html`<div key=${name}><dt>${name}</dt><dd>${value} ${small && html`<small>${small}</small>`}</dd></div>`)}</dl></section>`
}

function Faults({faults}) {
  const show = (event, fault) => {
    event.preventDefault()
    const field = document.getElementById(fieldId(fault.pointer))
    field?.scrollIntoView({block: 'center'})
    field?.focus()
  }
  return html`<${Note} kind="bad" icon="failed" role="alert">${faults.length === 1 ? '1 value does' : `${faults.length} values do`} not fit: ${faults.slice(0, 8).map((fault, i) => html`${i > 0 && ', '}<a href="#${fieldId(fault.pointer)}" onClick=${event => show(event, fault)}>${fault.pointer.slice(1).replaceAll('/', ' › ') || 'the input'}</a>`)}<//>`
}

/** The input as JSON; form and text keep each other's values. A file stands there by its name. */
function AsJson({value, text, change}) {
  const [bad, setBad] = useState(null)
  const files = useRef(new Map())
  const shown = bad?.text ?? text ?? JSON.stringify(value, (_, item) => (item instanceof File ? named(item, files.current) : item), 2)
  const take = event => {
    const written = event.target.value
    try {
      const parsed = JSON.parse(written, (_, item) => files.current.get(item?.$file) ?? item)
      setBad(null)
      change(parsed, written)
    } catch (error) {
      setBad({text: written, why: error.message})
    }
  }
  useEffect(() => setBad(null), [value])
  return html`<details class="as-json" open><summary>As JSON</summary><textarea class="in mono" id="json" aria-label="Input as JSON" spellcheck=${false} rows="8" aria-invalid=${bad ? 'true' : undefined} aria-describedby="json-fault" value=${shown} onInput=${take} />
    <span class="err" id="json-fault">${bad && html`<${Icon} name="failed" />No JSON yet: ${bad.why}`}</span></details>`
}

function named(file, files) {
  files.set(file.name, file)
  return {$file: file.name}
}
