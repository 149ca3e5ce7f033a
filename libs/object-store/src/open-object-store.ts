import { openBucketStore } from './bucket-store.ts'
import { openDirectoryStore } from './directory-store.ts'
import { type ObjectStore } from './object-store.ts'
import { placeOf } from './place.ts'

/** Opens the store at a place. The client of S3 is loaded only when a bucket is named. */
export const openObjectStore = async (location: string): Promise<ObjectStore> => {
  const place = placeOf(location)
  return place.kind === 'directory' ? openDirectoryStore(place.folder) : openBucketStore(place)
}
