import { forbiddenKey, jsonTooDeep, malformedJson } from './http-errors.ts'

const quote = 0x22
const backslash = 0x5c

/** Whether a JSON text nests deeper than `limit`; brackets within strings don't count. */
export const nestsDeeperThan = (text: string, limit: number): boolean => {
  if (text.length <= limit) return false
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charCodeAt(index)
    if (char === quote) {
      index = endOfString(text, index)
    } else if (char === 0x7b || char === 0x5b) {
      depth += 1
      if (depth > limit) return true
    } else if (char === 0x7d || char === 0x5d) {
      depth -= 1
    }
  }
  return false
}

/** The index of the quote that ends the string starting at `start`. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && escaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

const escaped = (text: string, at: number): boolean => {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === backslash) slashes += 1
  return slashes % 2 === 1
}

const suspicious = /__proto__|constructor|\\u00/
const refuseForbidden = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw forbiddenKey({ key })
  if (key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype'))
    throw forbiddenKey({ key: 'constructor.prototype' })
  return value
}

/** Where the text stopped being JSON, without repeating what was sent. */
const reasonOf = (error: unknown): string => {
  const at = /position (\d+)(?: \(line (\d+) column (\d+)\))?/.exec((error as Error).message)
  if (!at) return 'it ends too early or holds something unexpected'
  return at[2] ? `line ${at[2]}, column ${at[3]}` : `position ${at[1]}`
}

/** Parses a request's JSON: depth limited, no `__proto__`, errors coded. */
export const parseJsonBody = (text: string, maxDepth: number): unknown => {
  if (text.length === 0) throw malformedJson({ reason: 'it is empty' })
  if (nestsDeeperThan(text, maxDepth)) throw jsonTooDeep({ limit: maxDepth })
  try {
    return suspicious.test(text) ? JSON.parse(text, refuseForbidden) : JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw malformedJson({ reason: reasonOf(error) })
    throw error
  }
}
