import { type Readable } from 'node:stream'

/** An object that is kept whole and durable. */
export interface StoredObject {
  readonly key: string
  /** Of the content, in 64 hexadecimal digits. */
  readonly sha256: string
  readonly size: number
}

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly modifiedAt: Date
}

export interface ObjectPage {
  /** In the order of their keys' bytes. */
  readonly objects: readonly ListedObject[]
  /** The `after` of the next page; absent on the last one. */
  readonly next?: string
}

export interface PutOptions {
  /** Most bytes of the content; more is `TOO_LARGE`. */
  readonly limitBytes?: number
  /** What the content must hash to; anything else is `CORRUPT` and not kept. */
  readonly sha256?: string
}

/** Bytes as they come: a request's body, a file's stream, a generator. */
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * Immutable objects in a directory or in an S3-compatible bucket.
 *
 * A put is atomic: the object is there whole and durable, or not at all. Memory stays flat whatever the size. A key that is put again is
 * replaced whole. What can go wrong is an `ObjectStoreError`.
 */
export interface ObjectStore {
  /** Keeps content under the key of its own hash (`contentKey`): the same content is kept once, and put again it heals what was damaged. */
  put(content: Content, options?: PutOptions): Promise<StoredObject>
  /** Keeps content under a key that its owner chose, never a client. */
  putAs(key: string, content: Content, options?: PutOptions): Promise<StoredObject>
  /** Takes a complete local file over; it is gone from its place afterwards. */
  adopt(key: string, file: string): Promise<void>
  head(key: string): Promise<ListedObject | undefined>
  /**
   * The content, checked while it streams: with `sha256`, or by its key when it was kept by `put`. The last bytes are given only after the
   * hash agreed; else the stream fails as `CORRUPT`. Throws `NOT_FOUND`.
   */
  read(key: string, options?: { readonly sha256?: string }): Promise<Readable>
  /** Removes an object; none there is fine. */
  delete(key: string): Promise<void>
  /** The objects whose key starts with `prefix`, at most `limit` (1,000 unless told, and at most) after the key `after`. */
  list(prefix: string, page?: { readonly after?: string | undefined; readonly limit?: number }): Promise<ObjectPage>
  /** The file that holds an object, for readers that need one; undefined for a bucket. The object may not be there. */
  pathOf(key: string): string | undefined
  /** Throws when objects can't be kept or listed. */
  check(): Promise<void>
  /** Removes what puts that were killed have left, older than a day. Returns how many. */
  sweep(now?: number): Promise<number>
  close(): void
}

/** Puts that are under way for so long were killed. In ms. */
export const abandonedAfterMs = 86_400_000

/** Under which puts under way lie; no key starts with it. */
export const incoming = 'incoming'

/** Most objects of a page. */
export const largestPage = 1_000
