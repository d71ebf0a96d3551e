// A list of jobs in pages, newest first: it grows at its end, is kept up to date, and never jumps.
import {json} from './api.js'
import {signal} from './html.js'

/** Jobs of the first page, which is polled, and of those that follow, which are read once. */
export const PAGE = 50
const LATER = 100

/** Returns the API's path of a list; a list's own query has no limit and no cursor. */
export function listPath(query, limit = PAGE) {
  const given = new URLSearchParams(query)
  given.set('limit', limit)
  return `/jobs?${given.toString().replaceAll('%3A', ':')}`
}

/** Calls back with all jobs that match, a hundred at a time; stops where `goesOn` says so. */
export async function collect(query, goesOn) {
  let path = listPath(query, 100)
  while (path) {
    const {jobs, next} = await json('GET', path)
    if (!goesOn(jobs)) return
    path = next && pathOf(next)
  }
}

/** Returns the path of a link of the API: links can start with another domain of the same API. */
const pathOf = url => url.slice(url.indexOf('/jobs?'))

export class JobList {
  constructor() {
    /** Pages as `{cursor, jobs}`; a page that has not changed is the same object. */
    this.pages = signal([])
    /** New jobs that are not shown until the reader asks for them. */
    this.fresh = signal([])
    /** Where what follows the new jobs is, if there are more of them than a poll returns. */
    this.between = null
    this.next = signal(undefined)
    this.isLoading = signal(false)
    this.error = signal(null)
  }

  /** Takes the newest jobs, as a poll has seen them. */
  merge({jobs, next}) {
    const [first, ...others] = this.pages.value
    if (!first || (!others.length && !first.jobs.length)) {
      this.pages.value = [{cursor: '', jobs}]
      this.next.value = next
      return
    }
    const newest = first.jobs[0]?.id ?? ''
    const shown = jobs.filter(job => job.id <= newest)
    const oldest = jobs.at(-1)?.id ?? ''
    const older = next === null ? [] : first.jobs.filter(job => job.id < oldest)
    this.fresh.value = jobs.filter(job => job.id > newest)
    this.between = this.fresh.value.length === jobs.length ? next : null
    const kept = unchanged(first.jobs, [...shown, ...older])
    if (kept !== first.jobs) this.pages.value = [{cursor: '', jobs: kept}, ...others]
    if (!others.length && !older.length && !this.fresh.value.length) this.next.value = next
  }

  showFresh() {
    const [first, ...others] = this.pages.value
    if (this.between) {
      // Those between them and the list were never read: the list begins anew.
      this.pages.value = [{cursor: '', jobs: this.fresh.value}]
      this.next.value = this.between
      this.between = null
    } else this.pages.value = [{cursor: '', jobs: [...this.fresh.value, ...first.jobs]}, ...others]
    this.fresh.value = []
  }

  /** Loads the page at the end, unless it is being loaded. */
  async more() {
    if (!this.next.value || this.isLoading.value) return
    this.isLoading.value = true
    this.error.value = null
    try {
      const path = pathOf(this.next.value).replace(`limit=${PAGE}`, `limit=${LATER}`)
      const {jobs, next} = await json('GET', path)
      const known = new Set(this.pages.value.at(-1).jobs.map(job => job.id))
      this.pages.value = [...this.pages.value, {cursor: path, jobs: jobs.filter(job => !known.has(job.id))}]
      this.next.value = next
    } catch (error) {
      this.error.value = error
    } finally {
      this.isLoading.value = false
    }
  }

  /** Reads a later page again, which is on show. */
  async renew(page) {
    if (!page.cursor) return
    const {jobs} = await json('GET', page.cursor)
    const kept = unchanged(page.jobs, jobs)
    if (kept !== page.jobs) this.pages.value = this.pages.value.map(other => (other === page ? {...page, jobs: kept} : other))
  }

  get jobs() {
    return this.pages.value.flatMap(page => page.jobs)
  }
}

/** Returns the new jobs, with the old object of each that is the same, or the old list if all are. */
function unchanged(old, jobs) {
  const known = new Map(old.map(job => [job.id, job]))
  const merged = jobs.map(job => (isSame(known.get(job.id), job) ? known.get(job.id) : job))
  return merged.length === old.length && merged.every((job, i) => job === old[i]) ? old : merged
}

const isSame = (a, b) => a !== undefined && a.status === b.status && a.updated === b.updated && a.attempt === b.attempt && a.estimate?.finish === b.estimate?.finish && a.at_risk === b.at_risk
