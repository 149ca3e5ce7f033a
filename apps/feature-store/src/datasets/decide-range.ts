/** A part of a file; both ends are inclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * What a header `Range` asks for of a file of `size` bytes (RFC 9110, section 14): one range of bytes. Null when the whole file is to be
 * sent: there is no such header, or it is one that may be ignored; `outside` when the file has no such part.
 */
export function decideRange(header: string | undefined, size: number): ByteRange | 'outside' | null {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (!found) return null
  const [, first, last] = found as unknown as [string, string, string]
  if (first === '' && last === '') return null
  if (first === '')
    return Number(last) === 0 || size === 0 ? 'outside' : { start: Math.max(0, size - Number(last)), end: size - 1 }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  return start >= size ? 'outside' : { start, end: last === '' ? size - 1 : Math.min(size - 1, Number(last)) }
}
