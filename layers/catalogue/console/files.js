// Files in an input: small ones go in the request, large ones are uploaded first.
import {json} from './api.js'
import * as words from './words.js'

/** Bytes of files that one request carries: with base64 and the rest it stays below 1 MiB. */
const INLINE = 512 * 1024
const TYPES = {csv: 'text/csv', tsv: 'text/tab-separated-values', json: 'application/json', txt: 'text/plain', md: 'text/markdown'}

const mediaOf = file => file.type || TYPES[file.name.split('.').at(-1).toLowerCase()] || 'application/octet-stream'

/** Returns the input with its files as the API takes them; `tell` is called with words on the way. */
export async function sendable(input, tell) {
  const files = [...new Set(filesIn(input))]
  const ready = new Map()
  let inlined = 0
  for (const file of files.sort((a, b) => a.size - b.size)) {
    const isSmall = inlined + file.size <= INLINE
    if (isSmall) inlined += file.size
    ready.set(file, isSmall ? {base64: await base64(file), media_type: mediaOf(file)} : await upload(file, tell))
  }
  return replaced(input, ready)
}

export function filesIn(value) {
  if (value instanceof File) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(filesIn) : []
}

function replaced(value, ready) {
  if (value instanceof File) return ready.get(value)
  if (Array.isArray(value)) return value.map(item => replaced(item, ready))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaced(item, ready)]))
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1))
    reader.onerror = () => reject(new Error(`${file.name} could not be read.`))
    reader.readAsDataURL(file)
  })
}

/** Announces a file, and sends it to the URL that the API returns, with exactly its headers. */
async function upload(file, tell) {
  const announced = await json('POST', '/uploads', {body: JSON.stringify({size: file.size, media_type: mediaOf(file)})})
  tell(`Uploading ${file.name}: 0 % of ${words.bytes(file.size)}`)
  await put(announced, file, sent => tell(`Uploading ${file.name}: ${words.percent(sent / file.size)} of ${words.bytes(file.size)}`))
  return announced.use
}

/** By XMLHttpRequest, as fetch does not tell how much was sent. The browser sets Content-Length. */
function put({method, url, headers}, file, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() !== 'content-length') request.setRequestHeader(name, value)
    request.upload.onprogress = event => onSent(event.loaded)
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`The upload of ${file.name} was refused: ${request.status}.`)))
    request.onerror = () => reject(new Error(`The upload of ${file.name} was interrupted. Send it again.`))
    request.send(file)
  })
}
