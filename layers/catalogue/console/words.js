// Times, durations, sizes and numbers in words.
import {instant} from './clock.js'

const UNITS = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]]
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone
const CLOCK = {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'}
const clock = new Intl.DateTimeFormat('en', CLOCK)
const clockMs = new Intl.DateTimeFormat('en', {...CLOCK, fractionalSecondDigits: 3})
const shortClock = new Intl.DateTimeFormat('en', {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'})
const day = new Intl.DateTimeFormat('en', {weekday: 'short', day: 'numeric', month: 'short'})
const grouped = new Intl.NumberFormat('en')

export const number = value => grouped.format(value)
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`
export const percent = fraction => `${Math.floor(fraction * 100)} %`
export const shortId = id => (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id)
export const capital = text => text.charAt(0).toUpperCase() + text.slice(1)
export const seconds = (from, to) => (Date.parse(to) - Date.parse(from)) / 1000

/** Returns a duration with at most two units: 0.3 s, 6 min 27 s, 2 h 5 min. */
export function duration(s) {
  if (s < 0) return `-${duration(-s)}`
  if (s < 0.95) return s < 0.005 ? '0 s' : `${Math.max(1, Math.round(s * 1000))} ms`
  if (s < 9.95) return `${s.toFixed(1).replace(/\.0$/, '')} s`
  const whole = Math.round(s)
  const first = UNITS.findIndex(([, size]) => whole >= size)
  const [name, size] = UNITS[first]
  const [next, nextSize] = UNITS[first + 1] ?? ['', 1]
  const rest = Math.floor((whole % size) / nextSize)
  return `${Math.floor(whole / size)} ${name}${rest && next ? ` ${rest} ${next}` : ''}`
}

/** Returns a duration in one unit, rounded down: 3 min. */
export function roughly(s) {
  const [name, size] = UNITS.find(([, size]) => s >= size) ?? ['s', 1]
  return `${Math.max(0, Math.floor(s / size))} ${name}`
}

/** Returns a duration that changes each second, without fractions. */
export const countdown = s => (s < 10 ? `${Math.max(0, Math.round(s))} s` : duration(s))

/** Returns a time of the viewer's zone, with its date where that is not today. */
export function time(value, format = clock) {
  const at = new Date(value)
  if (Number.isNaN(at.getTime())) return String(value)
  const isToday = day.format(at) === day.format(new Date(instant()))
  return isToday ? format.format(at) : `${day.format(at)} ${shortClock.format(at)}`
}
export const exactTime = value => time(value, clockMs)
/** Returns the hour and minute of a time alone. */
export const clockTime = at => shortClock.format(at)
export const minuteTime = value => time(value, shortClock)

/** Returns the offset of the viewer's zone: UTC+1. */
export function zone(at = new Date()) {
  const minutes = -at.getTimezoneOffset()
  const [h, m] = [Math.trunc(minutes / 60), Math.abs(minutes % 60)]
  return `UTC${minutes < 0 ? '' : '+'}${h}${m ? `:${String(m).padStart(2, '0')}` : ''}`
}

/** Returns what hovering over a time shows: the instant in UTC, and the zone that it is shown in. */
export const timeTitle = value =>
  `${new Date(value).toISOString()}; shown in your zone, ${ZONE} (${zone(new Date(value))})`

export function bytes(size) {
  if (size < 1_000) return plural(size, 'byte')
  const step = size < 1e6 ? 1 : size < 1e9 ? 2 : 3
  const value = size / 1000 ** step
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${['', 'KB', 'MB', 'GB'][step]}`
}
