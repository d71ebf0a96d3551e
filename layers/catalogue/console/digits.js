// JSON whose long numbers keep all their digits, as far as the browser can: a double has 15 to 17 of them.

const MANY = /\d{16}/

/** Parses JSON; a number that would lose digits becomes one that only `JSON.stringify` reads. */
export function parse(text) {
  if (!JSON.rawJSON || !MANY.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_, value, {source}) => (typeof value === 'number' && MANY.test(source) && String(value) !== source ? JSON.rawJSON(source) : value))
}

/** Whether a value is such a number. */
export const isLong = value => JSON.isRawJSON?.(value) ?? false
