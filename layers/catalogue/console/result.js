// A result by its kind: JSON as a tree, a picture, text, or a file to save.
import {json} from './api.js'
import {isLong, parse} from './digits.js'
import {Icon, html, useEffect, useState} from './html.js'
import {Code, Trouble, copy} from './parts.js'
import * as words from './words.js'

/** Larger results are saved, not shown. */
const LARGEST = 5_000_000
const SHOWN = 200_000
/** Objects and lists with no more items than these are open from the start. */
const FEW = 5
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|svg\+xml|bmp)$/
const TEXT = /^(text\/|application\/(json|xml|yaml|x-ndjson))|\+(json|xml)$/

/** The result of a succeeded job: what the job itself has, or what its result's URL leads to. */
export function JobResult({job}) {
  const [large, setLarge] = useState(undefined)
  const [error, setError] = useState(null)
  useEffect(() => {
    if (job.result !== null) return
    // Null is either the result itself, or says that the result is large.
    json('GET', `/jobs/${job.id}/result?redirect=0`).then(setLarge, setError)
  }, [job.id])
  if (error) return html`<${Trouble} error=${error} />`
  if (job.result === null && large === undefined) return html`<p class="dim">Reading the result …</p>`
  if (large?.url) return html`<${Large} job=${job} url=${large.url} media=${large.media_type} />`
  return isFile(job.result) ? html`<${Bytes} blob=${decoded(job.result)} name=${job.id} />` : html`<${Json} value=${job.result} name=${job.id} />`
}

/** The body of a response with a result: of the sync door, or of the hybrid one. */
export function Body({blob, name}) {
  const [value, setValue] = useState(undefined)
  const isJson = blob.type.startsWith('application/json')
  useEffect(() => {
    if (isJson) blob.text().then(text => setValue(parse(text)))
  }, [blob])
  if (!isJson) return html`<${Bytes} blob=${blob} name=${name} />`
  return value === undefined ? null : html`<${Json} value=${value} name=${name} />`
}

const isFile = value => typeof value?.base64 === 'string' && typeof value.media_type === 'string' && Object.keys(value).length === 2

function decoded({base64, media_type: type}) {
  return new Blob([Uint8Array.from(atob(base64), char => char.charCodeAt(0))], {type})
}

/** A large result, behind a URL that works for five minutes. */
function Large({job, url, media}) {
  const [blob, setBlob] = useState(null)
  const [fault, setFault] = useState('')
  const load = async isSaved => {
    try {
      const fresh = await json('GET', `/jobs/${job.id}/result?redirect=0`)
      if (isSaved) return location.assign(fresh.url)
      const response = await fetch(fresh.url)
      if (Number(response.headers.get('content-length')) > LARGEST) {
        return setFault(`It has ${words.bytes(Number(response.headers.get('content-length')))}: too much to show here. Save it.`)
      }
      setBlob(new Blob([await response.blob()], {type: media}))
    } catch {
      setFault('It could not be read. Try again.')
    }
    return undefined
  }
  if (blob) return html`<${Body} blob=${blob} name=${job.id} />`
  return html`<p class="sm muted">A large result, ${media}.</p><p class="row"><button class="btn" type="button" onClick=${() => load(false)}><${Icon} name="eye" />Show it here</button>
    <a class="btn" href=${url} onClick=${event => { event.preventDefault(); load(true) }}><${Icon} name="file" />Save as a file</a></p>${fault && html`<p class="err" role="alert">${fault}</p>`}`
}

function Bytes({blob, name}) {
  const [url, setUrl] = useState('')
  const [text, setText] = useState(null)
  useEffect(() => {
    const made = URL.createObjectURL(blob)
    setUrl(made)
    if (TEXT.test(blob.type) && blob.size < LARGEST) blob.text().then(setText)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  const type = blob.type.split(';')[0]
  const save = html`<a class="btn" href=${url} download="${name}.${extension(type)}"><${Icon} name="file" />Save as a file</a>`
  const about = `${blob.type || 'bytes'}, ${words.bytes(blob.size)}`
  if (PICTURE.test(type)) return html`<figure class="picture">${url && html`<img src=${url} alt="The result: a picture, ${about}" />`}<figcaption class="row sm dim">${about}<span class="end">${save}</span></figcaption></figure>`
  if (text !== null) return html`<${Code} label="The result">${text.slice(0, SHOWN)}<//><p class="row sm dim">${about}${text.length > SHOWN && ', the beginning is shown'}<span class="end">${save}</span></p>`
  return html`<p class="row sm muted">A file: ${about}<span class="end">${save}</span></p>`
}

const EXTENSIONS = {plain: 'txt', jpeg: 'jpg', 'octet-stream': 'bin', sheet: 'xlsx', document: 'docx', presentation: 'pptx', 'ms-excel': 'xls', msword: 'doc'}

/** The extension of a file's name, by its media type: of `image/svg+xml`, svg. */
function extension(type) {
  const subtype = (type.split('/')[1] ?? 'bin').replace(/\+.*/, '')
  return EXTENSIONS[subtype] ?? EXTENSIONS[subtype.split('.').at(-1)] ?? subtype.replace(/\W/g, '')
}

function Json({value, name}) {
  const [isRaw, show] = useState(false)
  const text = JSON.stringify(value, null, 2)
  const isText = typeof value === 'string'
  const isTree = typeof value === 'object' && value !== null && !isLong(value)
  const blob = new Blob([text], {type: 'application/json'})
  return html`<div class="row result-head"><span class="sm dim">${isText ? 'text, as JSON' : 'JSON'}, ${words.bytes(blob.size)}</span><span class="end">
      ${isTree && html`<button class="btn quiet" type="button" aria-pressed=${isRaw} onClick=${() => show(!isRaw)}>${isRaw ? 'As a tree' : 'As text'}</button>`}
      <button class="btn quiet" type="button" onClick=${() => copy(isText ? value : text, 'The result')}><${Icon} name="copy" />Copy</button><${Save} blob=${blob} name="${name}.json" /></span></div>
    ${isTree && !isRaw ? html`<div class="tree mono"><${Node} value=${value} /></div>` : html`<${Code} label="The result">${isText ? value.slice(0, SHOWN) || html`<span class="dim">an empty text</span>` : text.slice(0, SHOWN)}<//>${text.length > SHOWN && html`<p class="sm dim">The beginning is shown: copy or save the whole.</p>`}`}`
}

function Save({blob, name}) {
  const save = () => {
    const url = URL.createObjectURL(blob)
    Object.assign(document.createElement('a'), {href: url, download: name}).click()
    URL.revokeObjectURL(url)
  }
  return html`<button class="btn quiet" type="button" onClick=${save}><${Icon} name="file" />Save</button>`
}

const brief = name => (name.length > 32 ? `${name.slice(0, 32)}…` : name)

/** A value of JSON; objects and lists open by a click, long ones a hundred items at a time. */
function Node({name, value, depth = 0}) {
  const [open, setOpen] = useState(depth === 0 || (depth < 3 && Object.keys(value ?? {}).length <= FEW))
  const [most, more] = useState(100)
  const label = name === undefined ? '' : html`<span class="dim">${name}</span> `
  if (typeof value !== 'object' || value === null || isLong(value)) return html`<div class="leaf">${label}<span class=${typeof value === 'string' ? 'text' : 'value'}>${JSON.stringify(value)}</span></div>`
  const items = Object.entries(value)
  if (!items.length) return html`<div class="leaf">${label}<span class="dim">${Array.isArray(value) ? '[ empty list ]' : '{ empty object }'}</span></div>`
  const kind = Array.isArray(value) ? `list of ${items.length}` : items.slice(0, 4).map(([key]) => brief(key)).join(', ') + (items.length > 4 ? ', …' : '')
  return html`<details open=${open} onToggle=${event => setOpen(event.target.open)}><summary>${label}<span class="dim">${Array.isArray(value) ? '[ ' : '{ '}${kind}${Array.isArray(value) ? ' ]' : ' }'}</span></summary>
    ${open && html`<div class="nest">${items.slice(0, most).map(([key, item]) => html`<${Node} key=${key} name=${key} value=${item} depth=${depth + 1} />`)}
    ${items.length > most && html`<button class="btn quiet" type="button" onClick=${() => more(most + 500)}>Show more of ${words.number(items.length)}</button>`}</div>`}</details>`
}

/** Returns the body of a successful response of a door, as a blob with its media type. */
export async function blobOf({response, media}) {
  return new Blob([await response.blob()], {type: media})
}
