// The page's address: `#/jobs?status=failed`. The fragment is the API's own path and query.
import {computed, signal} from './html.js'

const current = signal(location.hash)
addEventListener('hashchange', () => {
  clearTimeout(scrollTimer)
  current.value = location.hash
})

/** How far an entry of the browser's history was scrolled, kept with it: 0 for a new one. */
export const scrolled = () => history.state?.scrolled ?? 0
let scrollTimer = 0
addEventListener('scroll', () => {
  clearTimeout(scrollTimer)
  scrollTimer = setTimeout(() => history.replaceState({scrolled: scrollY}, ''), 200)
}, {passive: true})

/** Addresses are also written by hand: a `%` can stand for itself. */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The parts of the path, and the query. */
export const route = computed(() => {
  const [path, query = ''] = current.value.replace(/^#\/?/, '').split('?')
  const parts = path.split('/').filter(Boolean).map(decoded)
  return {parts: parts.length ? parts : ['jobs'], query: new URLSearchParams(query)}
})

/** Returns the link to a screen; parameters without a value are omitted. */
export function link(parts, query) {
  const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query ?? {})
  const given = new URLSearchParams(pairs.filter(([, value]) => value !== '' && value != null))
  const text = given.toString().replaceAll('%3A', ':')
  return `#/${[parts].flat().map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`
}

export function go(parts, query) {
  location.hash = link(parts, query)
}

/** Replaces the address, so that the back button skips the present one. */
export function replace(parts, query) {
  history.replaceState(null, '', link(parts, query))
  current.value = location.hash
}
