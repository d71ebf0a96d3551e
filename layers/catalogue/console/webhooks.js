// The screen of webhooks: which receiver was not reached?
import {json} from './api.js'
import {ask} from './ask.js'
import {DeliveryRow, hostOf, replay} from './deliveries.js'
import {Icon, html, useEffect, useState} from './html.js'
import {Hints, Key, useKeys} from './keys.js'
import {refresh, useLive} from './live.js'
import {Code, Loading, Note, Time, Trouble, announce, copy} from './parts.js'
import {link} from './route.js'
import * as words from './words.js'

const [BUSY_S, CALM_S] = [10, 30]
const STATES = [['', 'All'], ['given-up', 'Given up'], ['waiting', 'Waiting'], ['delivered', 'Delivered']]
const HEADS = [['check', ''], ['s', 'State'], ['o', 'Operation'], ['m', 'Job'], ['say', 'Host, and its last answer'], ['num wide', 'Attempts'], ['due', 'Next'], ['num a', '']]
const AT_ONCE = 4

export function WebhooksScreen({query}) {
  const state = query.get('state') ?? ''
  useEffect(() => {
    document.title = 'Webhooks · nowlater'
  }, [])
  return html`<div class="head"><h1>Webhooks</h1><span class="sm dim">what callbacks of your jobs were sent, for 14 days</span></div>
    <nav class="seg fit" aria-label="State" tabindex="-1">${STATES.map(([key, text]) => html`<a key=${key} href=${link('webhooks', {state: key})} aria-current=${key === state ? 'true' : undefined}>${text}</a>`)}</nav>
    <${Listed} key=${state} state=${state} />`
}

/** The deliveries of a state, and what a receiver needs. */
function Listed({state}) {
  const [older, setOlder] = useState([])
  const [next, setNext] = useState(undefined)
  const {data, error} = useLive(`/deliveries?limit=50${state && `&state=${state}`}`, seen => (seen.deliveries.some(each => each.state === 'waiting') ? BUSY_S : CALM_S))
  const shown = merged(data?.deliveries ?? [], older)
  const more = next === undefined ? data?.next : next
  const readMore = async () => {
    const page = await json('GET', more.slice(more.indexOf('/deliveries?')))
    setOlder([...older, ...page.deliveries])
    setNext(page.next)
  }
  return html`${error?.status === 404 ? html`<${Note} icon="hooks">This stack does not list webhooks of all jobs yet: it needs an upgrade. Each job's page has its own.<//>` : error?.problem ? html`<${Trouble} error=${error} again=${refresh} />` : !data ? html`<${Loading} what="the webhooks" />` : shown.length ? html`<${Deliveries} deliveries=${shown} />` : html`<${Nothing} state=${state} />`}
    ${more && html`<p><button class="btn quiet" type="button" onClick=${readMore}>Show older ones</button></p>`}
    <div class="grid2 wideg"><${Secret} hosts=${[...new Set(shown.map(each => hostOf(each.url).replace(/:\d+$/, '')))]} /><${Verify} /></div><${Hints} />`
}

const idOf = delivery => `${delivery.job}/${delivery.number}`
const merged = (newest, older) => [...newest, ...older.filter(old => !newest.some(each => idOf(each) === idOf(old)))]

function Nothing({state}) {
  return state ? html`<div class="empty"><p class="lead"><b>No webhook is ${state.replace('-', ' ')}.</b></p><p><a class="btn" href="#/webhooks">Show all</a></p></div>` : html`<div class="empty"><p class="lead"><b>No webhooks yet.</b></p>
    <p class="muted">A job with a callback sends one when it ends. Give one in the form of an operation, or so:</p><${Code} label="JSON">${'{"input": {…},\n "callback": {"url": "https://hooks.example.com/nowlater"}}'}<//></div>`
}

function Deliveries({deliveries}) {
  const [chosen, choose] = useState(new Set())
  const picked = deliveries.filter(each => chosen.has(idOf(each)))
  const toggle = id => choose(new Set(chosen.has(id) ? [...chosen].filter(other => other !== id) : [...chosen, id]))
  const resend = async () => {
    if (picked.length && (await ask({title: `Send ${words.plural(picked.length, 'webhook')} again?`, text: 'Each goes to its receiver with the id that it had: a receiver that keeps the ids ignores what it has.', safe: 'Leave them', act: `Send ${picked.length} again`, icon: 'retry'}))) {
      await resendAll(picked)
      choose(new Set())
    }
  }
  useKeys({r: [resend, picked.length ? 'send again' : ''], Escape: [() => choose(new Set()), '']})
  return html`<section class="card flush" aria-label="Deliveries"><table class="jobs hooks" role="table"><thead role="rowgroup"><tr role="row">${HEADS.map(([kind, text], i) => html`<th key=${i} role="columnheader" scope="col" class=${kind}>${text || html`<span class="vh">${i ? 'Action' : 'Select'}</span>`}</th>`)}</tr></thead>
      <tbody role="rowgroup">${deliveries.map(delivery => html`<${DeliveryRow} key=${idOf(delivery)} delivery=${delivery} selected=${chosen.has(idOf(delivery))} toggle=${() => toggle(idOf(delivery))} />`)}</tbody></table></section>
    ${picked.length > 0 && html`<div class="bulk" role="region" aria-label="Selected webhooks"><b>${picked.length} selected</b><span class="dim wide">${[...new Set(picked.map(each => hostOf(each.url)))].slice(0, 3).join(', ')}</span>
      <span class="end"><button class="btn primary" type="button" onClick=${resend}><${Icon} name="retry" />Send ${picked.length} again…<${Key}>R<//></button><button class="btn quiet" type="button" aria-label="Clear the selection" title="Clear the selection" onClick=${() => choose(new Set())}><${Icon} name="x" /></button></span></div>`}`
}

async function resendAll(deliveries) {
  const waiting = [...deliveries]
  const faults = []
  const work = async () => {
    while (waiting.length) {
      const {job, number} = waiting.shift()
      const fault = await replay(job, number)
      if (fault) faults.push(fault)
    }
  }
  await Promise.all(Array.from({length: AT_ONCE}, work))
  announce(faults.length ? `${faults.length} of ${deliveries.length} could not be sent: ${faults[0]}` : `${words.plural(deliveries.length, 'webhook')} ${deliveries.length === 1 ? 'is' : 'are'} sent again.`)
  refresh()
}

/** The secret that signs webhooks to a host; shown only when it is asked for. */
function Secret({hosts}) {
  const [host, setHost] = useState('')
  const [secret, setSecret] = useState(null)
  const [error, setError] = useState(null)
  const chosen = host || hosts[0] || ''
  const read = async event => {
    event.preventDefault()
    setError(null)
    try {
      setSecret(await json('GET', `/webhooks/secret?host=${encodeURIComponent(chosen)}`))
    } catch (fault) {
      setError(fault)
    }
  }
  const rotate = async () => {
    if (!(await ask({title: 'Rotate the secrets of all hosts?', text: 'New webhooks are signed with new secrets at once. For a day the old ones sign as well: give your receivers the new ones in that time.', safe: 'Keep them', act: 'Rotate the secrets', icon: 'retry', danger: true}))) return
    try {
      const {previous_until: until} = await json('POST', '/webhooks/secret/rotate')
      setSecret(null)
      announce(`The secrets are new. The old ones sign as well until ${words.time(until)}.`)
    } catch (fault) {
      setError(fault)
    }
  }
  return html`<section class="card" aria-labelledby="secret"><h2 id="secret">Signing secret</h2>
    <form class="row" onSubmit=${read}><div class="field grow"><label for="host">Host of the callback</label><input class="in" id="host" list="hosts" placeholder="hooks.example.com" spellcheck=${false} autocomplete="off" value=${chosen} onInput=${event => { setHost(event.target.value); setSecret(null) }} /><datalist id="hosts">${hosts.map(each => html`<option key=${each} value=${each} />`)}</datalist></div>
      <button class="btn below" disabled=${!chosen}><${Icon} name="eye" />Show</button></form>
    <${Trouble} error=${error} />
    ${secret && html`<p class="row secret"><code>${secret.secret}</code><span class="end"><button class="btn" type="button" onClick=${() => copy(secret.secret, 'The secret')}><${Icon} name="copy" />Copy</button></span></p>
      ${secret.previous.map(old => html`<p class="sm muted" key=${old.secret}>The one before signs as well until <${Time} at=${old.until} />.</p>`)}`}
    <p class="sm muted">Each host has its own. Receivers check the signature with it, by any library of <a href="https://www.standardwebhooks.com" rel="noreferrer">Standard Webhooks</a>.</p>
    <p><button class="btn danger" type="button" onClick=${rotate}><${Icon} name="retry" />Rotate all secrets…</button></p></section>`
}

const CHECK = `from standardwebhooks import Webhook

event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(
    request.data, request.headers
)
# the same event can come twice: keep event["id"]`

function Verify() {
  return html`<section class="card" aria-labelledby="verify"><header><h2 id="verify">Check a signature</h2><span class="end"><button class="btn quiet" type="button" onClick=${() => copy(CHECK, 'The code')}><${Icon} name="copy" />Copy</button></span></header><${Code} label="Python">${CHECK}<//></section>`
}
