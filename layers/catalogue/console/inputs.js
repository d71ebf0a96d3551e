// The inputs that this tab has sent, by job: the API never gives an input back.
import {namesIn, ofTab} from './storage.js'

const PREFIX = 'nowlater-input-'
const [MOST, LARGEST] = [100, 100_000]

/** Keeps what was sent for a job, as JSON text; large ones are not kept. */
export function remember(jobId, operation, text) {
  if (text.length > LARGEST) return
  try {
    const kept = namesIn(ofTab).filter(name => name.startsWith(PREFIX)).sort()
    for (const name of kept.slice(0, Math.max(0, kept.length - MOST + 1))) ofTab.removeItem(name)
    ofTab.setItem(PREFIX + jobId, JSON.stringify({operation, text}))
  } catch {
    // The storage is full: the input is only not kept.
  }
}

/** Returns the JSON text of the input that was sent for a job, or null. */
export function recall(jobId) {
  const kept = jobId && ofTab.getItem(PREFIX + jobId)
  return kept ? JSON.parse(kept).text : null
}
