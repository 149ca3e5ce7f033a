import { isUtf8 } from 'node:buffer'
import { InvalidRequest } from './invalid-request.ts'

const quote = 0x22
const backslash = 0x5c

/**
 * JSON of a request body, strict.
 *
 * Nesting is measured on the bytes before anything is built: a body of brackets alone would take a hundred times its size as arrays.
 * Integers beyond 2^53 become BigInt where the body has tensors of 64-bit integers, read from their raw digits.
 */
export function parseJson(body: Uint8Array, maxDepth: number): unknown {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (!isUtf8(buffer)) throw new InvalidRequest('INF_NOT_JSON', 'The body is not UTF-8.')
  refuseDepth(buffer, maxDepth)
  const text = buffer.toString('utf8')
  try {
    return text.includes('INT64"') && /\d{16}/.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
  } catch (error) {
    throw new InvalidRequest('INF_NOT_JSON', `The body is not JSON: ${(error as Error).message}.`)
  }
}

function keepDigits(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value
}

function refuseDepth(body: Buffer, maxDepth: number): void {
  let depth = 0
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > maxDepth) throw new InvalidRequest('INF_TOO_DEEP', `The body nests deeper than ${maxDepth} levels.`)
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
}
