// What a JSON Schema (2020-12, as the build writes it) asks for: its kind, its bounds in words, an example.
import * as words from './words.js'

/** Follows references and takes "or null" apart: returns `{schema, isNullable}`. */
export function resolve(schema, root) {
  let found = schema ?? {}
  while (found.$ref) {
    const {$ref, ...beside} = found
    found = {...pointed(root, $ref), ...beside}
  }
  if (found.enum?.length === 1) found = {...found, const: found.enum[0]}
  const options = found.anyOf ?? found.oneOf
  if (Array.isArray(found.type) && found.type.includes('null')) {
    const types = found.type.filter(type => type !== 'null')
    return {schema: {...found, type: types.length === 1 ? types[0] : types}, isNullable: true}
  }
  if (!options) return {schema: found, isNullable: found.enum?.includes(null) ?? false}
  const rest = options.filter(option => resolve(option, root).schema.type !== 'null')
  if (rest.length === options.length) return {schema: found, isNullable: false}
  const {anyOf: _, oneOf: __, ...beside} = found
  if (rest.length > 1) return {schema: {...beside, anyOf: rest}, isNullable: true}
  return {schema: {...resolve(rest[0], root).schema, ...beside}, isNullable: true}
}

const pointed = (root, ref) => ref.slice(2).split('/').reduce((part, name) => part?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], root) ?? {}

/** Returns the kind of a resolved schema: what its field looks like. */
export function kindOf(schema, root) {
  if ('const' in schema) return 'const'
  if (schema.enum) return 'enum'
  const options = schema.anyOf ?? schema.oneOf
  if (options) return options.some(option => 'upload' in (resolve(option, root).schema.properties ?? {})) ? 'file' : 'union'
  if (Array.isArray(schema.type)) return 'any'
  if (schema.type === 'string' && schema.contentEncoding === 'base64') return 'bytes'
  if (schema.type === 'object' || schema.properties) return schema.properties && Object.keys(schema.properties).length ? 'object' : 'map'
  if (schema.type === 'array') return schema.prefixItems ? 'tuple' : 'array'
  return ['string', 'integer', 'number', 'boolean'].includes(schema.type) ? schema.type : 'any'
}

const KINDS = {string: 'text', integer: 'whole number', number: 'number', boolean: 'yes or no', file: 'file', object: 'object', map: 'names and values', array: 'list', tuple: 'list', union: 'one of several forms', any: 'any JSON', bytes: 'bytes'}
const FORMATS = {date: 'date', 'date-time': 'date and time', time: 'time', duration: 'duration', uuid: 'UUID', email: 'e-mail address', uri: 'URL'}

/** Returns type and bounds in words, as they stand beside a field's name. */
export function describe(schema, root, isRequired) {
  const kind = kindOf(schema, root)
  const parts = [kind === 'enum' ? `one of ${schema.enum.length}` : kind === 'const' ? `always ${JSON.stringify(schema.const)}` : (FORMATS[schema.format] ?? KINDS[kind])]
  const bounds = boundsOf(schema)
  if (bounds) parts.push(bounds)
  if (!isRequired) parts.push('optional')
  return parts.join(', ')
}

function boundsOf(schema) {
  const [low, high] = [schema.minimum, schema.maximum]
  if (low !== undefined && high !== undefined) return `${low} to ${high}`
  if (low !== undefined) return `at least ${low}`
  if (high !== undefined) return `at most ${high}`
  const [above, below] = [schema.exclusiveMinimum, schema.exclusiveMaximum]
  if (above !== undefined) return `above ${above}${below === undefined ? '' : `, below ${below}`}`
  if (below !== undefined) return `below ${below}`
  const [least, most, unit] = 'items' in schema || 'minItems' in schema ? [schema.minItems, schema.maxItems, 'items'] : [schema.minLength, schema.maxLength, 'characters']
  if (least && most) return `${least} to ${words.number(most)} ${unit}`
  if (most) return `at most ${words.number(most)} ${unit}`
  return least ? `at least ${least} ${unit}` : ''
}

/** Returns an example of an input: the schema's own where it has one. */
export function example(given, root, name = '') {
  const {schema} = resolve(given, root)
  if (schema.examples?.length) return schema.examples[0]
  if (schema.default !== undefined && schema.default !== null) return schema.default
  switch (kindOf(schema, root)) {
    case 'const': return schema.const
    case 'enum': return schema.enum[0]
    case 'object': return Object.fromEntries(Object.entries(schema.properties).filter(([key, part]) => schema.required?.includes(key) || resolve(part, root).schema.examples).map(([key, part]) => [key, example(part, root, key)]))
    case 'map': return {}
    case 'tuple': return schema.prefixItems.map(part => example(part, root))
    case 'array': return Array.from({length: Math.max(1, schema.minItems ?? 1)}, () => example(schema.items, root, name))
    case 'integer': case 'number': return schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1
    case 'boolean': return true
    case 'union': return example((schema.anyOf ?? schema.oneOf)[0], root, name)
    case 'file': return 'a,b\n1,2\n'
    case 'bytes': return ''
    case 'string': return exampleText(schema, name)
    default: return null
  }
}

function exampleText({format, minLength = 0}, name) {
  const now = new Date().toISOString()
  const texts = {date: now.slice(0, 10), 'date-time': now, time: now.slice(11, 19), uuid: crypto.randomUUID(), email: 'ada@example.com', uri: 'https://example.com', duration: 'PT1H'}
  return (texts[format] ?? (name || 'text')).padEnd(minLength, '.')
}

/** Returns what a new item, or a value that must be there, begins as: nothing that was not written. */
export function initial(given, root) {
  const {schema} = resolve(given, root)
  switch (kindOf(schema, root)) {
    case 'const': return schema.const
    case 'object': return Object.fromEntries((schema.required ?? []).map(key => [key, initial(schema.properties[key], root)]).filter(([, value]) => value !== undefined))
    case 'map': return {}
    case 'tuple': return schema.prefixItems.map(part => initial(part, root) ?? null)
    case 'array': return Array.from({length: schema.minItems ?? 0}, () => initial(schema.items, root))
    case 'union': return initial((schema.anyOf ?? schema.oneOf)[0], root)
    default: return undefined
  }
}

/** Returns the faults of a value, as `{pointer, text}`: what can be seen before it is sent. */
export function faultsOf(value, given, root, pointer = '') {
  const {schema, isNullable} = resolve(given, root)
  const at = text => [{pointer, text}]
  if (value === null && isNullable) return []
  if (value instanceof File) return kindOf(schema, root) === 'file' ? [] : at('Takes no file.')
  switch (kindOf(schema, root)) {
    case 'object': return isObject(value) ? inObject(value, schema, root, pointer) : at('Must be an object.')
    case 'map': return isObject(value) ? Object.entries(value).flatMap(([key, item]) => (typeof schema.additionalProperties === 'object' ? faultsOf(item, schema.additionalProperties, root, `${pointer}/${escaped(key)}`) : [])) : at('Must be an object.')
    case 'array': case 'tuple': return Array.isArray(value) ? inList(value, schema, root, pointer) : at('Must be a list.')
    case 'integer': return Number.isInteger(value) ? inBounds(value, schema, at) : at('Must be a whole number.')
    case 'number': return typeof value === 'number' ? inBounds(value, schema, at) : at('Must be a number.')
    case 'string': return typeof value === 'string' ? inText(value, schema, at) : at('Must be text.')
    case 'boolean': return typeof value === 'boolean' ? [] : at('Must be yes or no.')
    case 'enum': return schema.enum.includes(value) ? [] : at(`Must be one of ${schema.enum.slice(0, 8).join(', ')}.`)
    case 'file': return value === '' || value === undefined ? at('Choose a file, or write its text.') : []
    default: return []
  }
}

const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value)
export const escaped = key => key.replaceAll('~', '~0').replaceAll('/', '~1')

function inObject(value, schema, root, pointer) {
  const missing = (schema.required ?? []).filter(key => value[key] === undefined).map(key => ({pointer: `${pointer}/${escaped(key)}`, text: 'Is required.'}))
  const known = Object.entries(value).filter(([key, item]) => item !== undefined && schema.properties[key])
  const unknown = schema.additionalProperties === false ? Object.keys(value).filter(key => !schema.properties[key]).map(key => ({pointer: `${pointer}/${escaped(key)}`, text: 'Is no argument of this operation.'})) : []
  return [...missing, ...unknown, ...known.flatMap(([key, item]) => faultsOf(item, schema.properties[key], root, `${pointer}/${escaped(key)}`))]
}

function inList(value, schema, root, pointer) {
  const faults = []
  if (value.length < (schema.minItems ?? 0)) faults.push({pointer, text: `At least ${words.plural(schema.minItems, 'item')}.`})
  if (value.length > (schema.maxItems ?? Infinity)) faults.push({pointer, text: `At most ${words.plural(schema.maxItems, 'item')}.`})
  return [...faults, ...value.flatMap((item, i) => faultsOf(item, schema.prefixItems?.[i] ?? schema.items ?? {}, root, `${pointer}/${i}`))]
}

function inBounds(value, schema, at) {
  if (value < schema.minimum) return at(`At least ${schema.minimum}. You gave ${value}.`)
  if (value > schema.maximum) return at(`At most ${schema.maximum}. You gave ${value}.`)
  if (value <= schema.exclusiveMinimum) return at(`More than ${schema.exclusiveMinimum}. You gave ${value}.`)
  if (value >= schema.exclusiveMaximum) return at(`Less than ${schema.exclusiveMaximum}. You gave ${value}.`)
  const steps = value / schema.multipleOf
  return schema.multipleOf && Math.abs(steps - Math.round(steps)) > 1e-9 ? at(`A multiple of ${schema.multipleOf}.`) : []
}

function inText(value, schema, at) {
  const length = [...value].length
  if (length < (schema.minLength ?? 0)) return at(`At least ${words.plural(schema.minLength, 'character')}.`)
  if (length > (schema.maxLength ?? Infinity)) return at(`At most ${words.plural(schema.maxLength, 'character')}. There are ${length}.`)
  return schema.pattern && !fits(value, schema.pattern) ? at(`Does not fit ${schema.pattern}`) : []
}

/** Patterns are Python's: one that JavaScript does not know is left to the API. */
function fits(value, pattern) {
  try {
    return new RegExp(pattern, 'u').test(value)
  } catch {
    return true
  }
}
