// Follows what the API has at a path: polls it while the page is seen, and only then.
import {Refused, awaySince, call} from './api.js'
import {instant} from './clock.js'
import {parse} from './digits.js'
import {signal, useEffect, useRef, useState} from './html.js'
import {isRefused, key} from './session.js'

/** Waits after failures, in seconds. */
const BACKOFF_S = [1, 2, 4, 8, 15, 30]
/** All followers, to poll at once: after a change, or when the reader asks for it. */
const followers = new Set()

/** When the next attempt is made while the API is away. */
export const nextTry = signal(0)

/** Polls all that is shown, now. */
export function refresh() {
  for (const follower of followers) follower.poll()
}

/**
 * Follows a path; returns `{data, error, at}`. `pauseS(data, retryAfterS)` is how long to wait until the
 * next poll, null for ever. Only a response with another ETag is read.
 */
export function useLive(path, pauseS) {
  const [state, setState] = useState({})
  const pause = useRef(pauseS)
  pause.current = pauseS
  const secret = key.value
  useEffect(() => {
    if (!path || !secret) return undefined
    const follower = new Follower(path, (...seen) => pause.current(...seen), setState)
    return follower.start()
  }, [path, secret])
  return state.path === path ? state : {}
}

class Follower {
  constructor(path, pauseS, tell) {
    Object.assign(this, {path, pauseS, tell, etag: null, failures: 0, timer: 0, dueAt: 0, state: {path}})
  }

  start() {
    const wake = () => (document.hidden ? clearTimeout(this.timer) : this.plan())
    document.addEventListener('visibilitychange', wake)
    addEventListener('online', wake)
    followers.add(this)
    this.poll()
    return () => {
      followers.delete(this)
      clearTimeout(this.timer)
      this.isStopped = true
      document.removeEventListener('visibilitychange', wake)
      removeEventListener('online', wake)
    }
  }

  /** Waits until the next poll is due. */
  plan() {
    clearTimeout(this.timer)
    if (this.isStopped || document.hidden || isRefused.value || this.dueAt === null) return
    this.timer = setTimeout(() => this.poll(), Math.max(0, this.dueAt - Date.now()))
  }

  async poll() {
    clearTimeout(this.timer)
    if (this.isPolling) return
    this.isPolling = true
    try {
      await this.read()
    } catch (error) {
      this.fail(error)
    } finally {
      this.isPolling = false
    }
    this.plan()
  }

  async read() {
    const headers = this.etag ? {'If-None-Match': this.etag} : {}
    const {status, headers: told, response} = await call('GET', this.path, {headers})
    this.failures = 0
    this.etag = told.get('etag')
    const data = status === 304 ? this.state.data : parse(await response.text())
    this.show({path: this.path, data, at: instant()})
    const pauseS = this.pauseS(data, Number(told.get('retry-after')) || 0)
    this.dueAt = pauseS === null ? null : Date.now() + pauseS * 1000
  }

  fail(error) {
    const isFinal = error instanceof Refused && !error.isPassing
    const waitS = Math.max(error.retryAfterS ?? 0, BACKOFF_S[Math.min(this.failures++, BACKOFF_S.length - 1)])
    this.dueAt = isFinal ? null : Date.now() + waitS * 1000
    if (awaySince.value) nextTry.value = this.dueAt && instant() + waitS * 1000
    this.show({...this.state, error})
  }

  show(state) {
    this.state = state
    if (!this.isStopped) this.tell(state)
  }
}
