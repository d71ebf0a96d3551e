// Preact, htm and signals under one name: what every other module renders with.
import htm from './htm.js'
import {h} from './preact.js'

export {Component, createRef, render} from './preact.js'
export {useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState} from './preact-hooks.js'
export {batch, computed, effect, signal} from './signals.js'

export const html = htm.bind(h)

const SPRITE = new URL('./icons.svg', import.meta.url).href

/** Shows an icon of the sprite; with a label it has a name of its own. */
export function Icon({name, label}) {
  return label
    ? html`<svg class="i" role="img" aria-label=${label}><use href="${SPRITE}#i-${name}" /></svg>`
    : html`<svg class="i" aria-hidden="true"><use href="${SPRITE}#i-${name}" /></svg>`
}
