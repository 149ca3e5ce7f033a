import { openBucketStore } from './bucket-store.ts'
import { openDirectoryStore } from './directory-store.ts'
import { ObjectStoreError } from './errors.ts'
import { anyKeys } from './keys.ts'
import { type ObjectStore } from './object-store.ts'
import { placeOf } from './place.ts'

/** A store of others, to be read: whatever its keys look like. */
export type ForeignStore = Pick<ObjectStore, 'read' | 'list' | 'close'>

/** Opens the store at a place. The client of S3 is loaded only when a bucket is named. */
export const openObjectStore = async (location: string): Promise<ObjectStore> => {
  const place = placeOf(location)
  return place.kind === 'directory' ? openDirectoryStore(place.folder) : openBucketStore(place)
}

/** Opens a bucket that others have filled. Throws `BAD_NAME` for what is no bucket. */
export const openForeignBucket = async (location: string): Promise<ForeignStore> => {
  const place = placeOf(location)
  if (place.kind === 'directory') throw new ObjectStoreError('BAD_NAME', `${location} is no bucket.`)
  return openBucketStore(place, anyKeys)
}
