/** What went wrong with an object. */
export type ObjectStoreErrorCode =
  /** No object of this key. */
  | 'NOT_FOUND'
  /** More bytes than the limit; nothing was kept. */
  | 'TOO_LARGE'
  /** The content is not what its hash says. */
  | 'CORRUPT'
  /** The content ended before it was complete; nothing was kept. */
  | 'BROKEN_OFF'
  /** There is no room left; nothing was kept. */
  | 'NO_SPACE'
  /** The bucket does not answer, or refuses. */
  | 'UNAVAILABLE'
  /** Not the name of an object, or not the place of a store. */
  | 'BAD_NAME'

export class ObjectStoreError extends Error {
  readonly code: ObjectStoreErrorCode

  constructor(code: ObjectStoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ObjectStoreError'
    this.code = code
  }
}

const full = new Set(['ENOSPC', 'EDQUOT'])
const broken = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'EPIPE'])

/** An error of the file system or of a content's stream in our words; others stay as they are. */
export const explained = (error: unknown): unknown => {
  const { code = '' } = error as NodeJS.ErrnoException
  if (full.has(code)) return new ObjectStoreError('NO_SPACE', 'There is no room left for the object.', error)
  if (broken.has(code)) return new ObjectStoreError('BROKEN_OFF', 'The content ended before it was complete.', error)
  return error
}
