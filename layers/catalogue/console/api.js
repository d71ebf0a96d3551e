// Calls of the HTTP API: with the key, and with problems as exceptions.
import {instant, learn} from './clock.js'
import {signal} from './html.js'
import {base, isRefused, key} from './session.js'

/** What the API responded instead of what was asked for. */
export class Refused extends Error {
  constructor(status, problem, headers) {
    super(problem.detail || problem.message || `The API responded ${status}.`)
    this.status = status
    this.problem = problem
    /** The problem's name, such as `invalid-input`; API Gateway's own have none. */
    this.code = problem.code ?? ''
    this.retryAfterS = Number(headers.get('retry-after')) || 0
  }

  /** Whether the same request can succeed later. */
  get isPassing() {
    return this.status === 429 || this.status >= 502 || (this.status === 500 && !this.code)
  }
}

/** No response came: the network, or the API, is away. */
export class Unreached extends Error {}

/** When the last response came, and since when there has been none (null: there is). */
export const lastResponse = signal(0)
export const awaySince = signal(null)

/** Sends a request to a path of the API; returns status, headers and body. */
export async function call(method, path, {body, headers = {}, signal: aborted} = {}) {
  const sent = {Authorization: `Bearer ${key.value}`, ...headers}
  if (body !== undefined) sent['Content-Type'] = 'application/json'
  const response = await send(base + path, {method, headers: sent, body, signal: aborted, cache: 'no-store'})
  const media = response.headers.get('content-type') ?? ''
  if (response.status === 401 || (response.status === 403 && !media.includes('problem'))) isRefused.value = true
  if (response.status >= 400) throw new Refused(response.status, await problemOf(response), response.headers)
  return {status: response.status, headers: response.headers, media, response}
}

/** Sends a request; returns the JSON of its response. */
export async function json(method, path, options) {
  return (await call(method, path, options)).response.json()
}

async function send(url, options) {
  try {
    const response = await fetch(url, options)
    awaySince.value = null
    learn(response.headers.get('date'))
    lastResponse.value = instant()
    return response
  } catch (error) {
    if (error.name === 'AbortError') throw error
    awaySince.value ??= lastResponse.value || instant()
    throw new Unreached('The API did not respond. Try again.', {cause: error})
  }
}

async function problemOf(response) {
  try {
    return await response.json()
  } catch {
    return {}
  }
}
