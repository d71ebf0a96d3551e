// A form from JSON Schema: one field a property; the value is the input as JSON, with files in it.
import {Icon, html, useId, useState} from './html.js'
import {Choice} from './parts.js'
import {describe, escaped, initial, kindOf, resolve} from './schema.js'
import * as words from './words.js'

const INPUTS = {date: 'date', email: 'email', uri: 'url'}

/** The fields of an object; `faults` are shown at the field of their pointer. */
export function Fields({schema, root, value, change, faults, pointer = '', isRequired = true}) {
  const isAsked = ([key, part]) => !schema.required?.includes(key) || fixed(part, root) === undefined
  const entries = Object.entries(schema.properties ?? {}).filter(isAsked)
  if (!entries.length) return html`<p class="sm muted">This operation takes no input.</p>`
  const set = (key, next) => {
    const {[key]: _, ...others} = value ?? initial(schema, root)
    // An optional object whose last member was emptied is not given any more.
    if (next === undefined) change(isRequired || Object.keys(others).length ? others : undefined)
    else change(inOrder({...others, [key]: next}, Object.keys(schema.properties)))
  }
  return html`<div class="fields">${entries.map(([key, part]) => html`<${Field} key=${key} name=${key} given=${part} root=${root} isRequired=${schema.required?.includes(key)}
    value=${value?.[key]} change=${next => set(key, next)} faults=${faults} pointer="${pointer}/${escaped(key)}" />`)}</div>`
}

const inOrder = (value, names) => Object.fromEntries([...names, ...Object.keys(value)].filter((key, i, all) => key in value && all.indexOf(key) === i).map(key => [key, value[key]]))

/** A field with its name, type, bounds, hint and fault. */
export function Field(props) {
  const {name, given, root, isRequired, value, change, faults, pointer, label = name} = props
  const id = fieldId(pointer)
  const {schema, isNullable} = resolve(given, root)
  const kind = kindOf(schema, root)
  const fault = faults.find(each => each.pointer === pointer)
  const isGroup = ['object', 'map', 'array', 'tuple', 'union', 'file', 'boolean'].includes(kind) || (kind === 'enum' && isFew(schema))
  const described = [schema.description && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ') || undefined
  const control = {id, schema, root, kind, isRequired, value, change, faults, pointer, name, 'aria-invalid': fault ? 'true' : undefined, 'aria-describedby': described}
  // An optional field that is left out is null already.
  const nothing = isNullable && (isRequired || (schema.default ?? null) !== null) && html`<label class="opt null"><input type="checkbox" checked=${value === null} onChange=${event => change(event.target.checked ? null : initial(schema, root))} /> null</label>`
  const inside = html`${schema.description && html`<span class="hint" id="${id}-hint">${schema.description}</span>`}
    ${value === null ? null : html`<${Control} ...${control} />`}${nothing}
    ${fault && html`<span class="err" id="${id}-fault"><${Icon} name="failed" />${fault.text}</span>`}`
  const title = html`${label} <span class="ty">${describe(schema, root, isRequired)}</span>`
  const wide = isGroup && kind !== 'boolean' && kind !== 'enum' ? 'wide-field' : kind === 'string' && isLong(schema, name) ? 'wide-field' : ''
  return isGroup
    ? html`<fieldset class="field ${wide}" id=${id} tabindex="-1" aria-describedby=${described}><legend class="lb">${title}</legend>${inside}</fieldset>`
    : html`<div class="field ${wide}"><label for=${id}>${title}</label>${inside}</div>`
}

export const fieldId = pointer => `f${pointer.replaceAll('/', '-')}`
const isFew = schema => schema.enum.length <= 4 && schema.enum.every(item => String(item).length <= 14)
const isLong = (schema, name) => !schema.format && !schema.pattern && (schema.maxLength ?? 1000) > 120 && !/^(name|id|title|code|key)$/.test(name ?? '')

function Control(props) {
  switch (props.kind) {
    case 'object': return html`<div class="nest"><${Fields} ...${props} /></div>`
    case 'array': return html`<${List} ...${props} />`
    case 'tuple': return html`<${Tuple} ...${props} />`
    case 'map': return html`<${Pairs} ...${props} />`
    case 'file': return html`<${FileField} ...${props} />`
    case 'union': return html`<${Union} ...${props} />`
    case 'boolean': return html`<${Options} ...${props} options=${[[true, 'yes'], [false, 'no']]} />`
    case 'enum': return isFew(props.schema) ? html`<${Options} ...${props} options=${props.schema.enum.map(item => [item, item === null ? 'null' : String(item)])} />` : html`<${Select} ...${props} />`
    case 'integer': case 'number': return html`<${NumberField} ...${props} />`
    case 'const': return html`<input class="in mono" id=${props.id} value=${JSON.stringify(props.schema.const)} readonly />`
    case 'string': case 'bytes': return html`<${Text} ...${props} />`
    default: return html`<${AnyJson} ...${props} />`
  }
}

const attributes = props => ({id: props.id, 'aria-invalid': props['aria-invalid'], 'aria-describedby': props['aria-describedby'], 'aria-required': props.isRequired ? 'true' : undefined, 'aria-label': props['aria-label']})
const shownDefault = schema => ('default' in schema && schema.default !== null && typeof schema.default !== 'object' ? String(schema.default) : '')

function Text({schema, name, isRequired, value, change, ...props}) {
  const type = INPUTS[schema.format] ?? 'text'
  const take = event => change(event.target.value === '' && !isRequired ? undefined : event.target.value)
  const common = {...attributes({...props, isRequired}), class: 'in', value: value ?? '', onInput: take, placeholder: shownDefault(schema), spellcheck: false}
  return isLong(schema, name) ? html`<textarea rows="2" ...${common} />` : html`<input type=${type} ...${common} />`
}

/** Keeps what is written, so that "1." or "-" on the way to a number stays. */
function NumberField({schema, kind, value, change, ...props}) {
  const [written, write] = useState(null)
  const shown = written !== null && asNumber(written) === value ? written : value === undefined ? '' : String(value)
  const take = event => {
    write(event.target.value)
    change(asNumber(event.target.value))
  }
  return html`<input ...${attributes(props)} class="in few-digits" inputmode=${kind === 'integer' && !(schema.minimum < 0) ? 'numeric' : 'decimal'} autocomplete="off" placeholder=${shownDefault(schema)} value=${shown} onInput=${take} />`
}

/** Returns the number, undefined for nothing, or the text itself, which is then found to be none. */
function asNumber(text) {
  if (text.trim() === '') return undefined
  const found = Number(text.trim())
  if (!Number.isFinite(found)) return text
  return Number.isInteger(found) && !Number.isSafeInteger(found) ? text : found
}

/** Two to four values as a switch; the operation's default is a choice of its own. */
function Options({schema, isRequired, value, change, options, name}) {
  const keyed = options.map(([item, text], i) => [String(i), text])
  const open = isRequired ? [] : [['', 'default' in schema && schema.default !== null ? `default: ${options.find(([item]) => item === schema.default)?.[1] ?? schema.default}` : 'not given']]
  const current = options.findIndex(([item]) => item === value)
  return html`<${Choice} label=${name} options=${[...open, ...keyed]} value=${current < 0 ? (isRequired ? undefined : '') : String(current)} onChange=${key => change(key === '' ? undefined : options[Number(key)][0])} />`
}

function Select({schema, isRequired, value, change, ...props}) {
  const current = schema.enum.indexOf(value)
  return html`<select ...${attributes({...props, isRequired})} class="in" value=${current < 0 ? '' : String(current)} onChange=${event => change(event.target.value === '' ? undefined : schema.enum[Number(event.target.value)])}>
    <option value="">${shownDefault(schema) ? `default: ${shownDefault(schema)}` : isRequired ? 'Choose one' : 'not given'}</option>${schema.enum.map((item, i) => html`<option key=${i} value=${String(i)}>${item === null ? 'null' : String(item)}</option>`)}</select>`
}

/** A list: a row for each item, to add and to remove. */
function List({schema, root, value, change, faults, pointer, name}) {
  const items = Array.isArray(value) ? value : []
  const what = name.replace(/ies$/, 'y').replace(/s$/, '')
  const set = (i, item) => change(items.map((old, n) => (n === i ? item : old)))
  const remove = i => change(items.length === 1 && !schema.minItems ? undefined : items.filter((_, n) => n !== i))
  const isFull = items.length >= (schema.maxItems ?? Infinity)
  return html`<div class="nest">${items.map((item, i) => html`<div class="item" key=${i}><${Field} name=${`${what} ${i + 1}`} given=${schema.items} root=${root} isRequired value=${item} change=${next => set(i, next === undefined ? initial(schema.items, root) : next)} faults=${faults} pointer="${pointer}/${i}" />
      <button class="cp" type="button" aria-label="Remove ${what} ${i + 1}" title="Remove" onClick=${() => remove(i)}><${Icon} name="x" /></button></div>`)}
    <p><button class="btn quiet" type="button" disabled=${isFull} onClick=${() => change([...items, initial(schema.items, root)])}><${Icon} name="plus" />Add ${what}</button></p></div>`
}

function Tuple({schema, root, value, change, faults, pointer}) {
  const items = Array.isArray(value) ? value : initial(schema, root)
  return html`<div class="nest fields">${schema.prefixItems.map((part, i) => html`<${Field} key=${i} name=${`item ${i + 1}`} given=${part} root=${root} isRequired value=${items[i] ?? undefined} change=${next => change(items.map((old, n) => (n === i ? (next ?? null) : old)))} faults=${faults} pointer="${pointer}/${i}" />`)}</div>`
}

/** An object whose names the caller chooses. */
function Pairs({schema, root, value, change, faults, pointer}) {
  const [key, setKey] = useState('')
  const id = useId()
  const given = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
  const entries = Object.entries(value ?? {})
  const add = () => {
    if (!key.trim()) return
    change({...value, [key.trim()]: initial(given, root) ?? ''})
    setKey('')
  }
  const remove = name => {
    const rest = entries.filter(([other]) => other !== name)
    change(rest.length ? Object.fromEntries(rest) : undefined)
  }
  return html`<div class="nest">${entries.map(([name, item]) => html`<div class="item" key=${name}><${Field} name=${name} given=${given} root=${root} isRequired value=${item} change=${next => change({...value, [name]: next ?? ''})} faults=${faults} pointer="${pointer}/${escaped(name)}" />
      <button class="cp" type="button" aria-label="Remove ${name}" title="Remove" onClick=${() => remove(name)}><${Icon} name="x" /></button></div>`)}
    <p class="row"><input class="in few" id=${id} aria-label="Name to add" placeholder="name" value=${key} onInput=${event => setKey(event.target.value)} onKeyDown=${event => event.key === 'Enter' && (event.preventDefault(), add())} /><button class="btn quiet" type="button" onClick=${add}><${Icon} name="plus" />Add</button></p></div>`
}

/** One of several forms, which is chosen first. */
function Union({schema, root, value, change, faults, pointer, name, isRequired}) {
  const options = (schema.anyOf ?? schema.oneOf).map(option => resolve(option, root).schema)
  const fits = options.findIndex(option => matches(value, option, root))
  const [chosen, choose] = useState(Math.max(isRequired ? 0 : -1, fits))
  const at = fits >= 0 && value !== undefined && (chosen < 0 || !matches(value, options[chosen], root)) ? fits : chosen
  const labels = options.map((option, i) => [String(i), option.title ?? describe(option, root, true)])
  const pick = key => {
    choose(Number(key))
    change(key === '-1' ? undefined : initial(options[Number(key)], root))
  }
  const all = isRequired ? labels : [['-1', 'not given'], ...labels]
  return html`<${Choice} label="Form of ${name}" options=${all} value=${String(at)} onChange=${pick} />
    ${at >= 0 && html`<${Field} name=${name} label=${labels[at][1]} given=${{...options[at], description: options[at].description ?? ''}} root=${root} isRequired=${isRequired} value=${value} change=${change} faults=${faults} pointer=${pointer} />`}`
}

/** Returns the one value that a part of a schema allows, such as the tag of a form; else undefined. */
const fixed = (part, root) => resolve(part, root).schema.const

function matches(value, option, root) {
  const kind = kindOf(option, root)
  if (kind === 'object' || kind === 'map') return typeof value === 'object' && value !== null && !Array.isArray(value) && (option.required ?? []).every(key => key in value) && Object.entries(option.properties ?? {}).every(([key, part]) => fixed(part, root) === undefined || value[key] === fixed(part, root))
  if (kind === 'array' || kind === 'tuple') return Array.isArray(value)
  if (kind === 'enum') return option.enum.includes(value)
  if (kind === 'const') return value === option.const
  if (kind === 'integer') return Number.isInteger(value)
  return typeof value === (kind === 'string' || kind === 'bytes' ? 'string' : kind)
}

/** A file: dropped, chosen, pasted, or its text written. */
function FileField({id, value, change, name, isRequired, ...props}) {
  const [isOver, setOver] = useState(false)
  const take = files => files?.length && change(files[0])
  const onDrop = event => {
    event.preventDefault()
    setOver(false)
    take(event.dataTransfer.files)
  }
  const onPaste = event => {
    if (event.clipboardData.files.length) {
      event.preventDefault()
      take(event.clipboardData.files)
    }
  }
  if (value instanceof File || isSent(value)) {
    return html`<div class="drop"><${Icon} name="file" /><span><b>${value instanceof File ? value.name : value.upload ? `upload ${words.shortId(value.upload)}` : (value.media_type ?? 'a file')}</b> <span class="dim">${value instanceof File ? words.bytes(value.size) : value.base64 ? words.bytes(Math.floor(value.base64.length * 0.75)) : ''}</span></span>
      <span class="end"><button class="btn quiet" type="button" onClick=${() => change(undefined)}><${Icon} name="x" />Remove</button></span></div>`
  }
  return html`<div class="drop ${isOver ? 'over' : ''}" onDragOver=${event => (event.preventDefault(), setOver(true))} onDragLeave=${() => setOver(false)} onDrop=${onDrop} onPaste=${onPaste}>
    <label class="btn"><${Icon} name="upload" />Choose a file<input class="vh" type="file" aria-label="File for ${name}" onChange=${event => take(event.target.files)} /></label><span class="dim">or drop or paste one, up to 5 GB; or write its text:</span>
    <textarea class="in mono" rows="3" aria-label="Text of ${name}" spellcheck=${false} aria-invalid=${props['aria-invalid']} value=${value ?? ''} onInput=${event => change(event.target.value === '' ? undefined : event.target.value)} /></div>`
}

const isSent = value => typeof value === 'object' && value !== null && ('upload' in value || 'base64' in value)

function AnyJson({value, change, ...props}) {
  const [written, write] = useState(null)
  const isKept = written !== null && JSON.stringify(parsed(written)) === JSON.stringify(value)
  const shown = isKept ? written : value === undefined ? '' : JSON.stringify(value)
  const take = event => {
    write(event.target.value)
    change(parsed(event.target.value))
  }
  return html`<textarea ...${attributes(props)} class="in mono" rows="2" spellcheck=${false} placeholder='JSON: "text", 1, true, null, [1, 2], {"a": 1}' value=${shown} onInput=${take} />`
}

/** Returns what a text is as JSON; a text that is none is taken for a string. */
function parsed(text) {
  if (!text.trim()) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
