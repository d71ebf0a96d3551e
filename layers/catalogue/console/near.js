// Which parts of a long list are near the window: they are drawn one in each frame, so that none takes long.

/** How far from the window a part is drawn, in pixels. */
const NEAR = 800

/** Parts by their elements, and those that are to be drawn. A part can `draw()` and `leave(height)`. */
const parts = new Map()
const waiting = new Set()
let frame = 0

const observer = new IntersectionObserver(see, {rootMargin: `${NEAR}px 0px`})

export function follow(element, part) {
  parts.set(element, part)
  observer.observe(element)
}

export function unfollow(element) {
  observer.unobserve(element)
  parts.delete(element)
  waiting.delete(element)
}

function see(entries) {
  for (const {target, isIntersecting, boundingClientRect} of entries) {
    if (isIntersecting) waiting.add(target)
    else {
      waiting.delete(target)
      parts.get(target)?.leave(boundingClientRect.height)
    }
  }
  plan()
}

function plan() {
  if (waiting.size && !frame) frame = requestAnimationFrame(drawNearest)
}

function drawNearest() {
  frame = 0
  const nearest = [...waiting].sort((a, b) => distance(a) - distance(b))[0]
  if (nearest) {
    waiting.delete(nearest)
    parts.get(nearest).draw()
  }
  plan()
}

/** Returns how far an element is from the window, in pixels; in it, how far from its top. */
function distance(element) {
  const {top, bottom} = element.getBoundingClientRect()
  if (bottom < 0) return innerHeight - bottom
  return top < innerHeight ? Math.max(0, top) : top
}
