import { type Version } from '../versions/version.ts'

/** What a route says of the versions that replicas hold. */
export interface Held {
  readonly champion: string | null
  readonly candidate?: string | undefined
  readonly shadow?: string | undefined
  readonly warm: readonly string[]
  readonly split: readonly { readonly version: string }[]
}

export type RetentionDecision =
  { readonly is: 'allowed' } | { readonly is: 'stands' } | { readonly is: 'refused'; readonly why: string }

const holds = (route: Held | undefined, version: string): boolean =>
  route !== undefined &&
  [route.champion, route.candidate, route.shadow, ...route.warm, ...route.split.map((part) => part.version)].includes(version)

/** Deletes a version for a while: never one that serves, or may serve in a moment. */
export const decideDelete = (version: Version, route: Held | undefined): RetentionDecision => {
  if (version.deletedAt !== null) return { is: 'stands' }
  return holds(route, version.version) ? { is: 'refused', why: 'it serves, or stands by to serve' } : { is: 'allowed' }
}

export const decideRestore = (version: Version): RetentionDecision => {
  if (version.purged) return { is: 'refused', why: 'its files were purged' }
  return version.deletedAt === null ? { is: 'stands' } : { is: 'allowed' }
}

/** Takes the files of a version away for good: only of one that was deleted before and that nothing needs. What it was stays on record. */
export const decidePurge = (version: Version, route: Held | undefined): RetentionDecision => {
  if (version.purged) return { is: 'stands' }
  if (version.deletedAt === null) return { is: 'refused', why: 'it is not deleted' }
  return holds(route, version.version) ? { is: 'refused', why: 'it serves, or stands by to serve' } : { is: 'allowed' }
}
