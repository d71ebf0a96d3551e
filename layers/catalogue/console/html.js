// Preact, htm and signals under one name: what every other module renders with.
import htm from './htm.js'
import {SHAPES} from './icons.js'
import {h} from './preact.js'

export {Component, createRef, render} from './preact.js'
export {useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState} from './preact-hooks.js'
export {batch, computed, effect, signal} from './signals.js'

export const html = htm.bind(h)

/** Shows an icon; with a label it has a name of its own. */
export function Icon({name, label}) {
  const named = label ? {role: 'img', 'aria-label': label} : {'aria-hidden': 'true'}
  return h('svg', {class: 'i', viewBox: '0 0 16 16', ...named}, SHAPES[name].map(([element, attributes]) => h(element, attributes)))
}
