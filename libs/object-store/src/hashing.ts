import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { ObjectStoreError } from './errors.ts'
import { type Content, type PutOptions } from './object-store.ts'

/** Hashes and counts content on its way. */
export interface Meter {
  /** The content as it passes; throws `TOO_LARGE`, and `CORRUPT` at its end. */
  readonly content: AsyncIterable<Uint8Array>
  /** What has passed, once all of it has. */
  readonly total: () => { readonly sha256: string; readonly size: number }
}

export const metered = (content: Content, { limitBytes = Infinity, sha256: expected }: PutOptions): Meter => {
  const hash = createHash('sha256')
  let size = 0
  let sha256: string | undefined
  const pass = async function* () {
    for await (const chunk of content) {
      size += chunk.length
      if (size > limitBytes) throw new ObjectStoreError('TOO_LARGE', `The content is larger than ${limitBytes} bytes.`)
      hash.update(chunk)
      yield chunk
    }
    sha256 = hash.digest('hex')
    if (expected !== undefined && expected !== sha256) throw corrupt(expected, sha256)
  }
  return { content: pass(), total: () => ({ sha256: sha256!, size }) }
}

const corrupt = (expected: string, found: string): ObjectStoreError =>
  new ObjectStoreError('CORRUPT', `The content hashes to ${found}, not to ${expected}.`)

/** Passes content on and holds its last chunk back until the hash of all agrees; fails as `CORRUPT` when it does not. */
export const verifying = (expected: string): Transform => {
  const hash = createHash('sha256')
  let held: Buffer | undefined
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      const before = held
      held = chunk
      done(null, before)
    },
    flush(done) {
      const found = hash.digest('hex')
      if (found === expected) done(null, held)
      else done(corrupt(expected, found))
    },
  })
}
