import { columnOf, isText, type ColumnSpec, type Frame } from '../../frames/frame.ts'
import { mean } from '../target.ts'

/**
 * How a column enters the linear sum. A number takes two weights: its standardised value (missing: the mean, so 0) and whether it is missing.
 * A text takes one weight a category, one for the others, one for missing.
 */
export type Term = NumberTerm | TextTerm
export interface NumberTerm {
  kind: 'number'
  name: string
  /** First of its weights. */
  at: number
  /** float32: standardised = (x − centre) · inverse. */
  centre: number
  inverse: number
}
export interface TextTerm {
  kind: 'text'
  name: string
  at: number
  /** Weight of a category, from 0; `words.length` is "other", one more is missing. */
  words: string[]
}

export interface Design {
  terms: Term[]
  /** Weights an output, the intercept last. */
  width: number
}

/** A row's non-zero entries: `indices[row·terms + t]` is the weight, `values[…]` its factor. */
export interface Matrix {
  rows: number
  terms: number
  indices: Int32Array
  values: Float32Array
}

export function designOf(
  frame: Frame,
  features: readonly ColumnSpec[],
  { categories, minCategoryRows }: { categories: number; minCategoryRows: number },
): Design {
  let at = 0
  const terms = features.map(({ name, type }): Term => {
    const column = columnOf(frame, name)
    const first = at
    if (isText(type) && column.kind === 'text') {
      const counts = new Float64Array(column.words.length)
      for (const code of column.codes) if (code >= 0) counts[code]!++
      const words = column.words
        .map((word, code) => ({ word, count: counts[code] as number }))
        .filter(({ count }) => count >= minCategoryRows)
        .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
        .slice(0, categories)
        .map(({ word }) => word)
      at += words.length + 2
      return { kind: 'text', name, at: first, words }
    }
    if (column.kind === 'text') throw new Error(`Column ${name} is text, and its type is ${type}.`)
    at += 2
    return { kind: 'number', name, at: first, ...standardise(column.values) }
  })
  return { terms, width: at + 1 }
}

function standardise(values: Float32Array): { centre: number; inverse: number } {
  const present = values.filter((value) => Number.isFinite(value))
  const centre = present.length > 0 ? mean(present) : 0
  let squares = 0
  for (const value of present) squares += (value - centre) ** 2
  const deviation = Math.sqrt(squares / Math.max(present.length, 1))
  return { centre: Math.fround(centre), inverse: deviation > 0 ? Math.fround(1 / deviation) : 1 }
}

/** The frame's rows in the design; numbers are computed in float32, as the exported graph does. */
export function matrixOf(frame: Frame, { terms }: Design): Matrix {
  const count = terms.length
  const indices = new Int32Array(frame.rows * count)
  const values = new Float32Array(frame.rows * count)
  terms.forEach((term, t) => {
    const column = columnOf(frame, term.name)
    if (term.kind === 'number') {
      if (column.kind !== 'number') throw new Error(`Column ${term.name} is text where a number belongs.`)
      column.values.forEach((value, row) => {
        const missing = Number.isNaN(value)
        indices[row * count + t] = term.at + (missing ? 1 : 0)
        values[row * count + t] = missing ? 1 : clip(Math.fround(Math.fround(value - term.centre) * term.inverse))
      })
      return
    }
    if (column.kind !== 'text') throw new Error(`Column ${term.name} is a number where text belongs.`)
    const index = new Map(term.words.map((word, at) => [word, at]))
    const byCode = column.words.map((word) => index.get(word) ?? term.words.length)
    column.codes.forEach((code, row) => {
      indices[row * count + t] = term.at + (code < 0 ? term.words.length + 1 : (byCode[code] as number))
      values[row * count + t] = 1
    })
  })
  return { rows: frame.rows, terms: count, indices, values }
}

/** A value further from the mean than this many deviations counts as that many: one wild row must not own the sum. */
export const widest = 20
const clip = (value: number): number => Math.max(-widest, Math.min(widest, value))
