// Small parts that all screens use.
import {now, slowly} from './clock.js'
import {Icon, html, signal, useEffect, useId, useState} from './html.js'
import * as words from './words.js'

export const STATUSES = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'canceled']
export const UNFINISHED = ['scheduled', 'queued', 'running']
export const hasEnded = job => !UNFINISHED.includes(job.status)

/** What was just done, for eyes and screen readers. */
export const notice = signal('')
let noticeTimer = 0

export function announce(text) {
  notice.value = text
  clearTimeout(noticeTimer)
  noticeTimer = setTimeout(() => (notice.value = ''), Math.max(4_000, text.length * 80))
}

/** Says something to screen readers alone. */
const said = signal('')
export const say = text => (said.value = text)

export function Notice() {
  return html`<p class="vh" role="status">${said.value}</p><p class="toast" role="status" aria-live="polite" data-shown=${notice.value !== ''}>${notice.value}</p>`
}

export async function copy(text, what = 'It') {
  try {
    await navigator.clipboard.writeText(text)
    announce(`${what} was copied.`)
  } catch {
    announce(`The browser did not allow copying. ${text}`)
  }
}

export function Status({status, pill}) {
  return html`<span class="st ${status} ${pill ? 'pill' : ''}"><${Icon} name=${status} />${words.capital(status)}</span>`
}

/** A time of the viewer's zone; hovering shows it in UTC, and the zone. */
export function Time({at, format = words.time}) {
  return html`<time datetime=${at} title=${words.timeTitle(at)}>${format(at)}</time>`
}

/** How long ago something was. */
export function Ago({at, slow = true}) {
  const s = ((slow ? slowly.value : now.value) - Date.parse(at)) / 1000
  return html`<time datetime=${at} title=${words.timeTitle(at)}>${slow && s < 60 ? '< 1 min' : words.roughly(s)}</time>`
}

export function CopyButton({text, label}) {
  return html`<button class="cp" type="button" title=${label} aria-label=${label}
    onClick=${() => copy(text, 'The id')}><${Icon} name="copy" /></button>`
}

/** An id, shortened; a click on its button copies it whole. */
export function Id({id, href}) {
  const short = words.shortId(id)
  return html`<span class="id">${href ? html`<a href=${href} title=${id}>${short}</a>` : html`<span title=${id}>${short}</span>`}
    <${CopyButton} text=${id} label="Copy the id that ends in ${id.slice(-4)}" /></span>`
}

export function Note({kind = '', icon, role, children, action}) {
  return html`<div class="note ${kind}" role=${role}><${Icon} name=${icon} /><div>${children}</div>${action}</div>`
}

/** A refusal or a lost connection, in the API's own words; `again` asks once more for what the screen shows. */
export function Trouble({error, again, children}) {
  if (!error) return null
  const scope = error.problem?.scope
  const action = again && html`<button class="btn" type="button" onClick=${again}><${Icon} name="retry" />Try again</button>`
  return html`<${Note} kind="bad" icon="failed" role="alert" action=${action}>
    <p>${scope ? html`<b>This key may not do that.</b> It needs the scope ${scope}: use another key, or ask the operator for one.` : html`${error.code && html`<b>${error.code}</b> · `}${error.message}${again && error.isPassing && ' It is tried again by itself.'}`}</p>${children}
  <//>`
}

/** Rows of grey bars, if loading takes longer than a moment. */
export function Loading({what, rows = 6}) {
  const [isSeen, show] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => show(true), 300)
    return () => clearTimeout(timer)
  }, [])
  return html`<div class="loading" role="status"><span class="vh">Loading ${what}</span>
    ${isSeen && Array.from({length: rows}, (_, i) => html`<p key=${i} aria-hidden="true"><span class="sk w1" /><span class="sk w2" /><span class="sk w3" /><span class="sk w2" /></p>`)}</div>`
}

/** A few choices of which one is in force. */
export function Choice({label, options, value, onChange, small}) {
  const name = useId()
  return html`<fieldset class="row ${small ? 'small' : ''}"><legend class="vh">${label}</legend><span class="seg">${options.map(
    ([key, text]) => html`<label key=${key}><input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onChange(key)} />${text}</label>`,
  )}</span></fieldset>`
}

/** A menu behind a button; it closes by Esc, by a choice, and by a click elsewhere. */
export function Menu({label, children}) {
  const id = useId()
  useEffect(() => {
    const close = event => {
      const menu = document.getElementById(id)
      if (event.type === 'keydown' ? event.key === 'Escape' : !menu?.contains(event.target) || event.target.closest('li')) {
        if (menu?.open && event.type === 'keydown') menu.querySelector('summary').focus()
        if (menu) menu.open = false
      }
    }
    document.addEventListener('keydown', close)
    document.addEventListener('click', close)
    return () => {
      document.removeEventListener('keydown', close)
      document.removeEventListener('click', close)
    }
  }, [])
  return html`<details class="menu" id=${id}><summary class="btn">${label}<${Icon} name="down" /></summary><ul>${children}</ul></details>`
}

/** Code to copy, in a box that the keyboard can scroll. */
export function Code({label, children}) {
  return html`<pre tabindex="0" role="region" aria-label=${label}>${children}</pre>`
}
