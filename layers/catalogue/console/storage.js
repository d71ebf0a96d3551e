// What the browser keeps for this page; where it may not keep anything, the page does until it is closed.

/** Returns the browser's storage, or one in memory where it is not allowed. */
function storageOf(name) {
  try {
    const storage = window[name]
    storage.getItem('nowlater')
    return storage
  } catch {
    return new Memory()
  }
}

class Memory {
  constructor() {
    this.items = new Map()
  }

  getItem(name) {
    return this.items.get(name) ?? null
  }

  setItem(name, text) {
    this.items.set(name, text)
  }

  removeItem(name) {
    this.items.delete(name)
  }

  clear() {
    this.items.clear()
  }

  names() {
    return [...this.items.keys()]
  }
}

/** Of this tab, and of this browser. */
export const ofTab = storageOf('sessionStorage')
export const ofBrowser = storageOf('localStorage')

export const namesIn = storage => (storage instanceof Memory ? storage.names() : Object.keys(storage))
