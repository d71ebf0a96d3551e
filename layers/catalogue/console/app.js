// The console: which screen is shown at which address.
import {Component, html, render, useEffect, useRef} from './html.js'
import {JobScreen} from './job.js'
import {JobsScreen} from './jobs.js'
import {LanesScreen} from './lanes.js'
import {OperationsScreen} from './operations.js'
import {route, scrolled} from './route.js'
import {Shell} from './shell.js'
import {WebhooksScreen} from './webhooks.js'

function App() {
  const {parts, query} = route.value
  const [screen, name] = parts
  const place = parts.join('/')
  const isLater = useRef(false)
  useEffect(() => {
    scrollTo(0, scrolled())
    // What had the focus is gone with its screen.
    if (isLater.current && document.activeElement === document.body) document.getElementById('main').focus({preventScroll: true})
    isLater.current = true
  }, [place])
  return html`<${Shell}><${Boundary} address=${`${place}?${query}`}>${show(screen, name, query)}<//><//>`
}

/** Shows what is left where a screen cannot be drawn: an address, or a response, that it does not understand. */
class Boundary extends Component {
  state = {error: null}

  componentDidCatch(error) {
    console.error(error)
    this.setState({error})
  }

  componentDidUpdate({address}) {
    if (this.state.error && address !== this.props.address) this.setState({error: null})
  }

  render({children}, {error}) {
    return error ? html`<div class="empty"><h1 class="lead">This page could not be shown.</h1><p class="muted">${error.message}</p>
      <p><a class="btn primary" href="#/jobs">See your jobs</a></p></div>` : children
  }
}

function show(screen, name, query) {
  switch (screen) {
    case 'jobs':
      return name ? html`<${JobScreen} key=${name} id=${name} />` : html`<${JobsScreen} query=${query} />`
    case 'operations':
      return html`<${OperationsScreen} name=${name} query=${query} />`
    case 'lanes':
      return html`<${LanesScreen} />`
    case 'webhooks':
      return html`<${WebhooksScreen} query=${query} />`
    default:
      return html`<div class="empty"><h1 class="lead">There is no such page.</h1><p><a class="btn primary" href="#/jobs">See your jobs</a></p></div>`
  }
}

render(html`<${App} />`, document.body)
