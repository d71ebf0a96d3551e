// The table of jobs. Only the parts near the window have rows; the others keep their height.
import {now} from './clock.js'
import {Component, createRef, html} from './html.js'
import {follow, unfollow} from './near.js'
import {Ago, Id, Status, hasEnded} from './parts.js'
import {link} from './route.js'
import {isFlexible, short, slack, tookS} from './sentence.js'
import {DeadlineBar} from './timeline.js'
import * as words from './words.js'

const HEADS = [['check', ''], ['s', 'Status'], ['o', 'Operation'], ['m', 'Id'], ['say', 'What now'], ['tags', 'Tags'], ['num acc', 'Accepted'], ['num', 'Took'], ['due', 'Deadline']]

export function Table({pages, selected, toggle, onSeen}) {
  return html`<table class="jobs" role="table"><thead role="rowgroup"><tr role="row">${HEADS.map(
    ([kind, text]) => html`<th key=${text} role="columnheader" scope="col" class=${kind}>${text || html`<span class="vh">Select</span>`}</th>`,
  )}</tr></thead>${pages.flatMap((page, number) => parts(page).map((jobs, i) => html`<${Part} key=${page.cursor + i} page=${page} jobs=${jobs} isFirst=${number + i === 0} selected=${selected} toggle=${toggle} onSeen=${onSeen} />`))}</table>`
}

/** Rows that come and go together: few enough that a frame has time to draw them. */
const SIZE = 5

/** Parts of a page by page: the same page has the same parts, which are not drawn anew. */
const partsOf = new WeakMap()
/** How high parts were when they were drawn, in pixels. */
const heights = new WeakMap()

function parts(page) {
  if (!partsOf.has(page)) partsOf.set(page, Array.from({length: Math.ceil(page.jobs.length / SIZE)}, (_, i) => page.jobs.slice(i * SIZE, (i + 1) * SIZE)))
  return partsOf.get(page)
}

/** A few rows, which are there while they are near the window; else a gap of their height. */
class Part extends Component {
  state = {isDrawn: this.props.isFirst}
  body = createRef()

  shouldComponentUpdate({page}, {isDrawn}) {
    return page !== this.props.page || isDrawn !== this.state.isDrawn
  }

  componentDidMount() {
    follow(this.body.current, this)
  }

  componentWillUnmount() {
    if (this.state.isDrawn) heights.set(this.props.jobs, this.body.current.offsetHeight)
    unfollow(this.body.current)
    this.props.onSeen(this, false)
  }

  /** Draws the rows: they are near the window. */
  draw() {
    this.setState({isDrawn: true})
    this.props.onSeen(this, true)
  }

  /** Keeps the height alone, unless the focus is in a row. */
  leave(height) {
    this.props.onSeen(this, false)
    if (this.state.isDrawn && !this.body.current.contains(document.activeElement)) {
      heights.set(this.props.jobs, height)
      this.setState({isDrawn: false})
    }
  }

  render({jobs, selected, toggle}, {isDrawn}) {
    const height = heights.get(jobs)
    const style = {height: height ? `${height}px` : `calc(${jobs.length} * var(--row))`}
    if (!isDrawn) return html`<tbody class="gap" role="rowgroup" ref=${this.body}><tr role="row"><td role="cell" colspan=${HEADS.length} style=${style} /></tr></tbody>`
    return html`<tbody role="rowgroup" ref=${this.body}>${jobs.map(job => html`<${Row} key=${job.id} job=${job} selected=${selected} toggle=${toggle} />`)}</tbody>`
  }
}

function Row({job, selected, toggle}) {
  const href = link(['jobs', job.id])
  const name = `${job.operation} ${job.id.slice(-4)}`
  return html`<tr role="row" data-id=${job.id}>
    <td role="cell" class="check"><label><input type="checkbox" aria-label="Select ${name}" checked=${selected.value.has(job.id)} onClick=${event => toggle(job, event.shiftKey)} /></label></td>
    <td role="cell" class="s"><${Status} status=${job.status} /></td>
    <td role="cell" class="o"><a class="op" href=${href} title=${job.operation}>${job.operation}</a></td>
    <td role="cell" class="m"><${Id} id=${job.id} href=${href} /></td>
    <td role="cell" class="say"><${What} job=${job} /></td>
    <td role="cell" class="tags">${Object.entries(job.tags).slice(0, 3).map(([tag, value]) => html`<a key=${tag} class="tag" title=${`${tag}:${value}`} href=${link('jobs', {tag: `${tag}:${value}`})}>${tag}:${value}</a> `)}</td>
    <td role="cell" class="num nw wide acc"><${Ago} at=${job.created} /></td>
    <td role="cell" class="num nw wide"><${Took} job=${job} /></td>
    <td role="cell" class="due nw"><${Due} job=${job} /></td></tr>`
}

function What({job}) {
  if (!hasEnded(job)) now.value // counts down
  const fraction = job.status === 'running' ? job.progress?.fraction : null
  const text = short(job)
  return html`${fraction != null && html`<progress max="1" value=${fraction} aria-label="Progress of ${job.operation} ${job.id.slice(-4)}">${words.percent(fraction)}</progress>`}
    <span class="clip" title=${text}>${job.status === 'failed' && html`<b>${job.error?.code}</b> · `}${text}${job.status === 'succeeded' && html`<${Preview} value=${job.result} />`}</span>`
}

/** The beginning of a small result. */
function Preview({value}) {
  if (value === null) return null
  const text = value?.base64 && value.media_type ? value.media_type : JSON.stringify(value)
  return html` <span class="dim mono">${text.slice(0, 120)}</span>`
}

function Took({job}) {
  if (job.status === 'running') now.value // counts up
  const s = hasEnded(job) || job.status === 'running' ? tookS(job) : null
  return s === null ? '–' : job.status === 'running' ? words.countdown(s) : words.duration(Math.max(0, s))
}

function Due({job}) {
  const s = slack(job)
  if (hasEnded(job)) {
    if (isFlexible(job)) return html`<span class="dim" title="It runs when there is room: its lane is flexible">no deadline</span>`
    if (job.error?.code === 'deadline-exceeded') return html`<span class="late">missed</span>`
    if (job.status !== 'succeeded') return html`<span class="dim wide">–</span>`
    return s >= 0 ? html`met <span class="xs muted">${words.roughly(s)} to spare</span>` : html`<span class="late">missed</span>`
  }
  if (isFlexible(job)) return html`<span class="dim" title="It runs when there is room: its lane is flexible">no deadline</span>`
  const left = (Date.parse(job.deadline) - now.value) / 1000
  return html`<span title=${words.timeTitle(job.deadline)}>${left > 0 ? `in ${words.countdown(left)}` : 'now'}</span>
    ${s !== null && html` <span class="xs muted">${s < 0 || job.at_risk ? html`<span class="late">${s < 0 ? `${words.duration(-s)} late` : 'at risk'}</span>` : `slack ${words.roughly(s)}`}</span>`}
    <${DeadlineBar} job=${job} />`
}
