// The console: which screen is shown at which address.
import {html, render, useEffect} from './html.js'
import {JobScreen} from './job.js'
import {JobsScreen} from './jobs.js'
import {LanesScreen} from './lanes.js'
import {OperationsScreen} from './operations.js'
import {route} from './route.js'
import {Shell} from './shell.js'
import {WebhooksScreen} from './webhooks.js'

function App() {
  const {parts, query} = route.value
  const [screen, name] = parts
  const place = parts.join('/')
  useEffect(() => {
    scrollTo(0, 0)
  }, [place])
  return html`<${Shell}>${show(screen, name, query)}<//>`
}

function show(screen, name, query) {
  switch (screen) {
    case 'jobs':
      return name ? html`<${JobScreen} key=${name} id=${name} />` : html`<${JobsScreen} key=${query.toString()} query=${query} />`
    case 'operations':
      return html`<${OperationsScreen} name=${name} query=${query} />`
    case 'lanes':
      return html`<${LanesScreen} />`
    case 'webhooks':
      return html`<${WebhooksScreen} key=${query.toString()} query=${query} />`
    default:
      return html`<div class="empty"><h1 class="lead">There is no such page.</h1><p><a class="btn primary" href="#/jobs">See your jobs</a></p></div>`
  }
}

render(html`<${App} />`, document.body)
