// Time as the API has it: the browser's clock, corrected where it is clearly wrong.
import {computed, signal} from './html.js'

let skewMs = 0

/** The current time in milliseconds; what reads it is shown anew each second. */
export const now = signal(Date.now())
/** The same, twice a minute, for what shows minutes. */
export const slowly = computed(() => now.value - (now.value % 30_000))

/** Returns the current time in milliseconds, without following it. */
export const instant = () => Date.now() + skewMs

/** Learns from a response's `Date`; a difference of a few seconds can be the way here. */
export function learn(date) {
  const difference = Date.parse(date) + 500 - Date.now()
  skewMs = Math.abs(difference) > 5_000 ? difference : 0
}

setInterval(() => {
  if (!document.hidden) now.value = instant()
}, 1_000)
document.addEventListener('visibilitychange', () => (now.value = instant()))
