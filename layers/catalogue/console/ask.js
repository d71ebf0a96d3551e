// Questions before what cannot be undone. The safe answer comes first and has the focus.
import {Icon, html, signal, useEffect, useRef, useState} from './html.js'

const question = signal(null)

/**
 * Asks; returns whether the reader agreed. `title` names the number, `text` what is lost and what stays,
 * `safe` and `act` are the answers. With `typed`, that number must be written first.
 */
export function ask(content) {
  return new Promise(answer => (question.value = {...content, answer}))
}

export function Question() {
  const asked = question.value
  return asked && html`<${Dialog} key=${asked.title} ...${asked} />`
}

function Dialog({title, text, safe, act, icon, danger, typed, answer}) {
  const element = useRef(null)
  const [written, write] = useState('')
  useEffect(() => {
    const opener = document.activeElement
    element.current.showModal()
    return () => opener?.focus?.()
  }, [])
  const close = given => {
    question.value = null
    answer(given)
  }
  const mayAct = !typed || written.trim().replaceAll(',', '') === String(typed)
  const submit = event => {
    event.preventDefault()
    if (mayAct) close(true)
  }
  return html`<dialog ref=${element} aria-labelledby="question" onCancel=${() => close(false)}
    onClick=${event => event.target === element.current && close(false)}>
    <form class="dlg" onSubmit=${submit}><h2 id="question">${title}</h2><p class="sm muted">${text}</p>
    ${typed && html`<div class="field"><label for="typed">Type ${typed} to go on</label>
      <input class="in few" id="typed" inputmode="numeric" autocomplete="off" value=${written} onInput=${event => write(event.target.value)} /></div>`}
    <p class="row"><button class="btn" type="button" autofocus onClick=${() => close(false)}>${safe}</button>
      <button class="btn ${danger ? 'danger' : ''} primary" disabled=${!mayAct}><${Icon} name=${icon} />${act}</button></p></form></dialog>`
}
