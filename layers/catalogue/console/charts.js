// Charts as SVG: bars stretch, words are text, positions are percentages, so none is drawn anew at another width.
import {html} from './html.js'
import * as words from './words.js'

const HEIGHT = 72
/** The lines of an axis of durations, and how they are called. */
const DURATIONS = [[0.01, '10 ms'], [0.1, '0.1 s'], [1, '1 s'], [10, '10 s'], [60, '1 min'], [600, '10 min'], [3_600, '1 h'], [86_400, '1 d']]

/** Bars over time, stacked; `bars` are `{from, parts: {fill: count}}`, `fills` their order from below. */
export function Bars({bars, fills, name, format = words.minuteTime, height = HEIGHT}) {
  const totals = bars.map(({parts}) => fills.reduce((sum, fill) => sum + (parts[fill] ?? 0), 0))
  const most = Math.max(1, ...totals)
  return html`<div class="bars"><svg class="ch" height=${height} viewBox="0 0 ${bars.length} ${height}" preserveAspectRatio="none" role="img" aria-label=${name}>
      ${fills.map((fill, level) => html`<path key=${fill} class=${fill} d=${bars.map((bar, i) => rectangle(bar, i, fills.slice(0, level), fill, (height - 2) / most, height)).join('')} />`)}
      <path class="s-axis" d="M0 ${height}h${bars.length}" /></svg>
    ${format && html`<p class="ticks"><span>${format(bars[0].from)}</span>${bars.length > 4 && html`<span class="wide">${format(bars[Math.floor(bars.length / 2)].from)}</span>`}<b>now</b></p>`}</div>`
}

function rectangle({parts}, i, below, fill, unit, height) {
  const count = parts[fill] ?? 0
  if (!count) return ''
  const from = below.reduce((sum, other) => sum + (parts[other] ?? 0), 0)
  const size = Math.max(1.5, count * unit)
  return `M${i + 0.1} ${height - from * unit}v${-size}h0.8v${size}z`
}

/** Points over time, at durations on a logarithmic scale; `points` are `{at, s, fill}`, in milliseconds and seconds. */
export function Dots({points, from, to, name}) {
  const [low, high] = range(points.map(point => point.s))
  const y = s => 8 + (1 - (Math.log10(Math.max(s, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * 108
  const lines = DURATIONS.filter(([s]) => s >= low && s <= high)
  return html`<div><svg class="ch dots" height="128" role="img" aria-label=${name}>
      ${lines.map(([s, text]) => html`<line key=${s} class="s-grid" x1="0" x2="100%" y1=${y(s)} y2=${y(s)} /><text x="0" y=${y(s) - 3}>${text}</text>`)}
      ${points.map(({at, s, fill}, i) => html`<circle key=${i} class=${fill} cx="${6 + ((at - from) / (to - from)) * 93}%" cy=${y(s)} r="2.5" />`)}</svg>
    <p class="ticks"><span>${words.minuteTime(from)}</span><b>now</b></p></div>`
}

function range(seconds) {
  const [least, most] = [Math.min(...seconds, 1), Math.max(...seconds, 1)]
  const low = DURATIONS.findLast(([s]) => s <= Math.max(least, 0.01))?.[0] ?? 0.01
  const high = DURATIONS.find(([s]) => s >= most && s > low)?.[0] ?? 864_000
  return [low, high]
}

/** From the median to the 90th percentile, on the same scale in each row. */
export function Range({p50, p90, low, high}) {
  const x = s => Math.min(99, Math.max(0, ((Math.log10(Math.max(s, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * 99))
  return html`<svg class="ch" height="18" aria-hidden="true"><line class="s-grid" x1="0" x2="100%" y1="9" y2="9" /><rect class="f-run2 solid" x="${x(p50)}%" y="4" width="${Math.max(0.8, x(p90) - x(p50))}%" height="10" rx="2" /><rect class="f-run" x="${x(p50)}%" y="2" width="3" height="14" /></svg>`
}

export function Legend({items}) {
  return html`<span class="key">${items.map(([fill, text]) => html`<span key=${text}><svg viewBox="0 0 9 9" aria-hidden="true"><path class=${fill} d="M0 0h9v9H0z" /></svg>${text}</span>`)}</span>`
}
