// The key of this tab, and the URL of the API that the page came from.
import {signal} from './html.js'
import {ofTab} from './storage.js'

const STORED = 'nowlater-key'

/** The API's URL; the page is at its `/console`. */
export const base = location.origin + location.pathname.replace(/\/console\/?$/, '')
export const host = base.replace(/^https?:\/\//, '')

/** The API key or token, or '' where there is none. */
export const key = signal(takeFromFragment() || ofTab.getItem(STORED) || '')
/** Whether the API has refused the key: wrong, revoked or expired. */
export const isRefused = signal(false)

/** Uses another key from now on, in this tab only. */
export function use(value) {
  ofTab.setItem(STORED, value)
  isRefused.value = false
  key.value = value
}

/** Forgets the key, and all that this tab has kept. */
export function leave() {
  ofTab.clear()
  key.value = ''
  isRefused.value = false
}

/** Returns what names a key without showing it. */
export const shortKey = () => (key.value ? `${key.value.slice(0, 3)}…${key.value.slice(-4)}` : '')

/** Reads a key from the URL's fragment, `#key=…`, and removes it there: no history keeps it. */
function takeFromFragment() {
  const match = /^#key=([\w.~-]+)(?:&go=(.*))?$/.exec(location.hash)
  if (!match) return ''
  history.replaceState(null, '', location.pathname + location.search + (match[2] ? `#${match[2]}` : ''))
  ofTab.setItem(STORED, match[1])
  return match[1]
}

addEventListener('hashchange', () => {
  const given = takeFromFragment()
  if (given) use(given)
})
