// What all screens stand in: navigation, the key, and what is in the way of the API.
import {awaySince} from './api.js'
import {Question} from './ask.js'
import {now} from './clock.js'
import {Icon, html, useEffect, useRef, useState} from './html.js'
import {Sheet} from './keys.js'
import {nextTry, refresh} from './live.js'
import {Note, Notice} from './parts.js'
import {route} from './route.js'
import {host, isRefused, key, leave, shortKey, use} from './session.js'
import * as words from './words.js'

const SCREENS = [['jobs', 'Jobs', 'jobs'], ['operations', 'Operations', 'ops'], ['lanes', 'Lanes', 'lanes'], ['webhooks', 'Webhooks', 'hooks']]

export function Shell({children}) {
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="side"><a class="brand" href="#/jobs"><${Icon} name="mark" />nowlater</a>
      ${key.value && html`<${Navigation} /><${Who} />`}</header>
    <main id="main" tabindex="-1">${isRefused.value && key.value ? html`<${Gate} />` : key.value ? html`<${Away} />${children}` : html`<${Gate} />`}</main>
    <${Notice} /><${Question} /><${Sheet} />`
}

function skip(event) {
  event.preventDefault()
  document.getElementById('main').focus()
}

function Navigation() {
  const [screen] = route.value.parts
  return html`<nav class="nav" aria-label="Main"><ul>${SCREENS.map(
    ([name, text, icon]) => html`<li key=${name}><a href="#/${name}" aria-current=${screen === name ? 'page' : undefined}><${Icon} name=${icon} /><span>${text}</span></a></li>`,
  )}</ul></nav>`
}

function Who() {
  const state = awaySince.value ? 'No response' : 'Live'
  return html`<div class="who"><p><span class="live ${awaySince.value ? 'off' : ''}" title="While this page is seen, it asks the API every few seconds">${state}</span></p>
    <p class="wide" title=${host}>${host}</p>
    <p class="mono">${shortKey()}</p>
    <p><button class="btn quiet" type="button" onClick=${leave}><${Icon} name="key" />Forget the key</button></p></div>`
}

/** The lost connection: since when, what is shown, and when the next attempt is. */
function Away() {
  if (!awaySince.value) return null
  const inS = Math.max(0, Math.round((nextTry.value - now.value) / 1000))
  return html`<${Note} icon="offline" role="status" action=${html`<button class="btn" type="button" onClick=${refresh}><${Icon} name="retry" />Try now</button>`}>
    <b>No response from ${host} since ${words.minuteTime(awaySince.value)}.</b> You see what was known then. ${inS > 0 ? `Trying again in ${inS} s.` : 'Trying now.'}<//>`
}

/** Asks for a key: at first, and after the API has refused the present one. */
function Gate() {
  const [written, write] = useState('')
  const input = useRef(null)
  useEffect(() => input.current.focus({preventScroll: true}), [])
  const refused = isRefused.value && key.value
  const open = event => {
    event.preventDefault()
    if (written.trim()) use(written.trim())
  }
  return html`<form class="gate card" onSubmit=${open} autocomplete="off">
    <h1 class="lead">Open the console of ${host}</h1>
    ${refused && html`<${Note} kind="warn" icon="key" role="alert"><b>The key ${shortKey()} is wrong, revoked or expired.</b> Your jobs go on.<//>`}
    <div class="field"><label for="key">API key or token</label>
      <input ref=${input} class="in mono" id="key" type="password" autocomplete="off" spellcheck=${false} placeholder="nl_…" required aria-describedby="key-hint" value=${written} onInput=${event => write(event.target.value)} />
      <span class="hint" id="key-hint">It stays in this tab until you close it, and is sent to ${host} alone.</span></div>
    <p><button class="btn primary"><${Icon} name="key" />Open</button></p>
    <details><summary>No key yet?</summary><p class="sm muted pad">On your own machine, <code>make up</code> prints a link with one. For a deployed stack, its operator makes one:</p>
      <pre tabindex="0" role="region" aria-label="Shell">make key OWNER=acme STACK=nowlater</pre></details></form>`
}
