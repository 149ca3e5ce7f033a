import { randomBytes } from 'node:crypto'

/** A name that no other test uses: fit for a topic, a schema (letters, digits, `_`) and a key prefix. */
export const uniqueName = (prefix: string): string =>
  `${prefix.replaceAll(/[^a-zA-Z0-9_]/g, '_').toLowerCase()}_${randomBytes(5).toString('hex')}`
