import { type NamedField, type Value } from '../feature-views/view.ts'

/** Longest encoded entity key, in bytes of UTF-8. */
export const maxKeyBytes = 1024

/**
 * Encodes the entity of a row as one text, the same for the same values everywhere: values in the order of the view's `entity`,
 * joined by `|`; `|` and `\` within a text are escaped by `\`. The types are the view's, so they need no mark of their own.
 */
export const encodeKey = (values: readonly Value[]): string =>
  values.length === 1 ? encodePart(values[0]!) : values.map(encodePart).join('|')

const encodePart = (value: Value): string =>
  typeof value === 'string' && (value.includes('|') || value.includes('\\')) ? value.replaceAll(/[\\|]/g, '\\$&') : String(value)

/** The values of an encoded key; the inverse of `encodeKey`. */
export const decodeKey = (key: string, entity: readonly NamedField[]): Value[] => {
  const parts = [...key.matchAll(/((?:\\.|[^\\|])*)(?:\||$)/gs)].map((match) => match[1]!)
  return entity.map((field, index) => decodePart(parts[index] ?? '', field))
}

const decodePart = (part: string, { type }: NamedField): Value => {
  const text = part.replaceAll(/\\(.)/gs, '$1')
  if (type === 'string') return text
  if (type === 'bool') return text === 'true'
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** Whether an encoded key is longer than it may be; measured only when it could be. */
export const isTooLong = (key: string): boolean =>
  key.length > maxKeyBytes || (key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes)
