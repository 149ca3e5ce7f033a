import { ObjectStoreError } from './errors.ts'
import { incoming } from './object-store.ts'

const digest = /^[0-9a-f]{64}$/
const segment = /^[A-Za-z0-9_][A-Za-z0-9._=-]*$/
const longestKey = 400

export const isSha256 = (text: string): boolean => digest.test(text)

/** Where content lies that is kept by its hash: `ab/abcd…`. Throws `BAD_NAME` for what is no SHA-256. */
export const contentKey = (sha256: string): string => {
  if (!isSha256(sha256)) throw new ObjectStoreError('BAD_NAME', 'A SHA-256 has 64 hexadecimal digits.')
  return `${sha256.slice(0, 2)}/${sha256}`
}

/** The hash that a key of `contentKey` stands for. */
export const hashOfKey = (key: string): string | undefined => {
  const sha256 = key.slice(3)
  return isSha256(sha256) && key === contentKey(sha256) ? sha256 : undefined
}

/**
 * A key that names the same object in a directory and in a bucket, and nothing outside of them: names of letters, digits and `._=-`, joined
 * by slashes, none of which starts with a dot. Throws `BAD_NAME`.
 */
export const checkedKey = (key: string): string => {
  const names = key.split('/')
  if (key.length > longestKey || names[0] === incoming || !names.every((name) => segment.test(name)))
    throw new ObjectStoreError('BAD_NAME', `${JSON.stringify(key.slice(0, 100))} is no key of an object.`)
  return key
}

/** A prefix of keys: empty, or a key, with a slash behind it or not. Throws `BAD_NAME`. */
export const checkedPrefix = (prefix: string): string => {
  if (prefix !== '') checkedKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
  return prefix
}

/** What is taken for a key, and for a beginning of some. */
export interface KeyRules {
  readonly key: (key: string) => string
  readonly prefix: (prefix: string) => string
}

export const ownKeys: KeyRules = { key: checkedKey, prefix: checkedPrefix }

/** Bytes that S3 takes for a key at most. */
const longestForeignKey = 1_024

const anyKey = (key: string): string => {
  if (Buffer.byteLength(key) > longestForeignKey)
    throw new ObjectStoreError('BAD_NAME', `${JSON.stringify(key.slice(0, 100))} … is no key of an object.`)
  return key
}

/** Of a bucket that others have filled, where a key is any text. */
export const anyKeys: KeyRules = {
  key: (key) => {
    if (key === '') throw new ObjectStoreError('BAD_NAME', 'A key has at least one letter.')
    return anyKey(key)
  },
  prefix: anyKey,
}
