import { parseExact, type RejectCode } from '../ingest/validate-fields.ts'

export type RowObject = Record<string, unknown>

/** A record before it is decoded. */
export interface Encoded {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, unknown>>
}

/** What a record holds. */
export type Decoded =
  | { readonly is: 'row'; readonly row: RowObject }
  /** `exact`: it is for views with exactly these entity fields; else for the view that reads it, which finds its fields among others. */
  | { readonly is: 'delete'; readonly entity: RowObject; readonly exact: boolean }
  /** Nothing for a view. */
  | { readonly is: 'nothing' }
  | { readonly is: 'refused'; readonly code: RejectCode; readonly message?: string }

export const refused = (code: RejectCode, message?: string): Decoded & { is: 'refused' } => ({
  is: 'refused',
  code,
  ...(message === undefined ? {} : { message }),
})

/** An object by name, no list. */
export const isObject = (value: unknown): value is RowObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a JSON object with every integer exact. */
export function parseJson(bytes: Buffer): { row: RowObject } | (Decoded & { is: 'refused' }) {
  let parsed: unknown
  try {
    parsed = parseExact(utf8.decode(bytes))
  } catch {
    return refused('NOT_JSON')
  }
  return isObject(parsed) ? { row: parsed } : refused('NOT_AN_OBJECT')
}
