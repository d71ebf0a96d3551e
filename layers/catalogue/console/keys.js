// Single keys, outside of fields; they can be switched off. The key stands in the button that it presses.
import {html, signal, useEffect, useRef} from './html.js'
import {go} from './route.js'
import {ofBrowser} from './storage.js'

const STORED = 'nowlater-single-keys'
const SCREENS = {j: 'jobs', o: 'operations', l: 'lanes', w: 'webhooks'}
const GLOBAL = [['G J', 'jobs'], ['G O', 'operations'], ['G L', 'lanes'], ['G W', 'webhooks'], ['N', 'new job'], ['?', 'all keys'], ['Esc', 'close']]

export const isOn = signal(ofBrowser.getItem(STORED) !== 'off')
const sheet = signal(false)
const layers = []
/** Counts changes of the layers, so that the hints follow. */
const changes = signal(0)
let isGoing = false

export function setOn(on) {
  ofBrowser.setItem(STORED, on ? 'on' : 'off')
  isOn.value = on
}

/** Binds keys while a component is shown: `{r: [does, 'retry']}`; later bindings come first. */
export function useKeys(bindings) {
  const current = useRef(bindings)
  current.current = bindings
  useEffect(() => {
    layers.unshift(current)
    changes.value += 1
    return () => {
      layers.splice(layers.indexOf(current), 1)
      changes.value += 1
    }
  }, [])
  const names = Object.values(bindings).map(([, does]) => does).join()
  useEffect(() => {
    changes.value += 1
  }, [names])
}

export const Key = ({children}) => isOn.value && html`<kbd aria-hidden="true">${children}</kbd>`

document.addEventListener('keydown', event => {
  const isTyping = event.target.closest?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]')
  // Enter presses what has the focus, as everywhere.
  const isPressed = event.key === 'Enter' && event.target.closest?.('a, button, summary')
  if (!isOn.value || isTyping || isPressed || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  const does = find(event)
  if (does) {
    event.preventDefault()
    does(event)
  }
})

function find(event) {
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (isGoing) {
    isGoing = false
    if (SCREENS[pressed]) return () => go(SCREENS[pressed])
  }
  if (pressed === 'g') return () => {
    isGoing = true
    setTimeout(() => (isGoing = false), 1_500)
  }
  if (pressed === '?') return () => (sheet.value = true)
  if (pressed === 'n') return () => go('operations')
  for (const {current} of layers) if (current[pressed]) return current[pressed][0]
  return undefined
}

/** The keys of this screen, in a line below it. */
export function Hints() {
  if (!isOn.value) return null
  return html`<p class="hints">${bound().slice(0, 6).map(([key, does]) => html`<span key=${key}><kbd>${key}</kbd> ${does}</span>`)}
    <button class="btn quiet" type="button" onClick=${() => (sheet.value = true)}><kbd>?</kbd> All keys</button></p>`
}

export function Sheet() {
  const element = useRef(null)
  useEffect(() => {
    if (sheet.value) element.current?.showModal()
  }, [sheet.value])
  if (!sheet.value) return null
  return html`<dialog ref=${element} aria-labelledby="keys" onClose=${() => (sheet.value = false)}><div class="dlg"><h2 id="keys">Keys</h2>
    <dl class="facts keys">${[...bound(), ...GLOBAL].map(([key, does]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd>${does}</dd>`)}</dl>
    <label class="opt"><input type="checkbox" checked=${isOn.value} onChange=${event => setOn(event.target.checked)} /> Single keys, outside of fields</label>
    <p class="row"><button class="btn" type="button" autofocus onClick=${() => element.current.close()}>Close</button></p></div></dialog>`
}

function bound() {
  changes.value
  const found = new Map()
  for (const {current} of layers) for (const [key, [, does]] of Object.entries(current)) {
    if (does) found.set(key.length === 1 ? key.toUpperCase() : key.replace('Enter', '↵'), does)
  }
  return [...found]
}
