// The calls of the console as curl, Python and command line: it has no powers that a key does not have.
import {Icon, html, useState} from './html.js'
import {Choice, Code, copy} from './parts.js'
import {base} from './session.js'

const LANGUAGES = [['curl', 'curl'], ['python', 'Python'], ['cli', 'Command line']]
const NAME = /^[A-Za-z_][\w-]*$/

/** Quotes a text for a POSIX shell. */
const quoted = text => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

export function curlOf(method, path, {headers = {}, body} = {}) {
  const lines = [`curl ${method === 'GET' || body !== undefined ? '' : `-X ${method} `}${quoted(base + path)}`, '-H "Authorization: Bearer $KEY"']
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body !== undefined) lines.push(`--json ${quoted(body)}`)
  return lines.join(' \\\n  ')
}

/** Returns the three forms of a request at a door; files of the form are named, not copied. */
export function callsOf({operation, door, input, frame, prefer}) {
  const body = JSON.stringify({input: withoutFiles(input, file => ({base64: `…${file.name}…`})), ...frame})
  const headers = prefer ? {Prefer: prefer} : {}
  return {
    curl: hasFiles(input) ? curlWithFiles(operation, door, input, frame, headers) : curlOf('POST', `/${door}/${operation}`, {headers, body}),
    python: pythonOf(operation, door, input, frame, waitOf(prefer)),
    cli: commandOf(operation, door, input, frame, waitOf(prefer)),
  }
}

export const callsOfJob = id => ({
  curl: curlOf('GET', `/jobs/${id}`, {headers: {Prefer: 'wait=20'}}),
  python: `from nowlater_client import Client\n\njob = Client.from_env().job(${python(id)})\nprint(job.result(timeout=600))`,
  cli: `nowlater watch ${id}`,
})

/** Returns the seconds of `Prefer: wait=`; undefined without one. */
const waitOf = prefer => /wait=(\d+)/.exec(prefer ?? '')?.[1]

const isFile = value => value instanceof File
const hasFiles = value => isFile(value) || (typeof value === 'object' && value !== null && Object.values(value).some(hasFiles))

function withoutFiles(value, replaced) {
  if (isFile(value)) return replaced(value)
  if (Array.isArray(value)) return value.map(item => withoutFiles(item, replaced))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutFiles(item, replaced)]))
}

/** A file is encoded by the shell: the body is written by a here-document. */
function curlWithFiles(operation, door, input, frame, headers) {
  const inserted = []
  const body = JSON.stringify({input: withoutFiles(input, file => ({base64: `\0${inserted.push(file) - 1}\0`, media_type: file.type || undefined})), ...frame})
    .replaceAll('\\', '\\\\').replaceAll('$', '\\$').replaceAll('`', '\\`')
    .replace(/\\\\u0000(\d+)\\\\u0000/g, (_, i) => `$(base64 < ${quoted(inserted[i].name)} | tr -d '\\n')`)
  return `${curlOf('POST', `/${door}/${operation}`, {headers})} --json @- <<END\n${body}\nEND`.replace('curl -X POST', 'curl')
}

function pythonOf(operation, door, input, frame, wait) {
  const call = door === 'async' ? 'job = client.submit' : 'result = client.call'
  const options = Object.entries(door === 'sync' ? {} : frame).concat(wait ? [['wait', Number(wait)]] : []).map(([name, value]) => `    ${name}=${python(whenOf(name, value), 4)},\n`).join('')
  const imports = [options.includes('datetime.') && 'from datetime import datetime\n', hasFiles(input) && 'from pathlib import Path\n'].filter(Boolean).join('')
  return `${imports && `${imports}\n`}from nowlater_client import Client\n\nclient = Client(${python(base)}, key)\n${call}(\n    ${python(operation)},\n    ${python(input, 4)},\n${options})${door === 'async' ? '\nprint(job.result(timeout=600))' : ''}`
}

/** The client takes seconds from now, or a datetime, for a start and a deadline. */
const whenOf = (name, value) => (name === 'start' ? (value.after ?? new Date(value.at)) : name === 'deadline' ? (value.within ?? new Date(value.at)) : value)

/** Returns a value as Python's literal, broken into lines where it is long. */
function python(value, indent = 0) {
  if (isFile(value)) return `Path(${python(value.name)})`
  if (value instanceof Date) return `datetime.fromisoformat("${value.toISOString()}")`
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const isList = Array.isArray(value)
  const items = Object.entries(value).filter(([, item]) => item !== undefined).map(([name, item]) => `${isList ? '' : `${JSON.stringify(name)}: `}${python(item, indent + 4)}`)
  const [open, close] = isList ? '[]' : '{}'
  const line = `${open}${items.join(', ')}${close}`
  if (line.length < 72 && !line.includes('\n')) return line
  const pad = ' '.repeat(indent)
  return `${open}\n${items.map(item => `${pad}    ${item},\n`).join('')}${pad}${close}`
}

function commandOf(operation, door, input, frame, wait) {
  const parts = Object.entries(input).map(([name, value]) => {
    if (isFile(value)) return quoted(`${name}@${value.name}`)
    return typeof value === 'string' && NAME.test(name) ? quoted(`${name}=${value}`) : quoted(`${name}:=${JSON.stringify(withoutFiles(value, file => `@${file.name}`))}`)
  })
  const options = Object.entries(door === 'sync' ? {} : frame).flatMap(([name, value]) => optionOf(name, value))
  return [`nowlater ${door === 'async' ? 'submit' : 'call'} ${operation}`, ...parts, ...options, ...(wait ? [`--wait ${wait}`] : [])].join(' \\\n  ')
}

function optionOf(name, value) {
  if (name === 'tags') return Object.entries(value).map(([tag, text]) => `--tag ${quoted(`${tag}:${text}`)}`)
  if (name === 'deadline') return [`--deadline ${value.within ? `${value.within}s` : value.at}`]
  if (name === 'start') return [`--start ${value.after ? `${value.after}s` : value.at}`]
  if (name === 'retention') return [`--retention ${value}s`]
  if (name === 'callback') return [`--callback ${quoted(value.url)}`]
  return [`--${name} ${quoted(String(value))}`]
}

/** Shows a call in three languages, to copy. */
export function CopyAs({title = 'Copy as', about, calls}) {
  const [language, choose] = useState('curl')
  const name = LANGUAGES.find(([key]) => key === language)[1]
  return html`<section class="card" aria-label=${title}><header><h2>${title}</h2>${about && html`<span class="sm dim">${about}</span>`}</header>
    <div class="row"><${Choice} label=${title} options=${LANGUAGES} value=${language} onChange=${choose} />
    <span class="end"><button class="btn quiet" type="button" onClick=${() => copy(calls[language], 'The call')}><${Icon} name="copy" />Copy</button></span></div>
    <${Code} label=${name}>${calls[language]}<//></section>`
}
