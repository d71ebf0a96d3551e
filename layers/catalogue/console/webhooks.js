import {html} from './html.js'

export function WebhooksScreen() {
  return html`<div class="head"><h1>Webhooks</h1></div>`
}
