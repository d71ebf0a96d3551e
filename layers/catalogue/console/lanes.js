import {html} from './html.js'

export function LanesScreen() {
  return html`<div class="head"><h1>Lanes</h1></div>`
}
