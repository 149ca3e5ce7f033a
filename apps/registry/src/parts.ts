/** Names of what Nest injects; `app.module.ts` says how each is made. */
export const Parts = {
  database: Symbol('database'),
  clock: Symbol('clock'),
  blobs: Symbol('blobs'),
  deleteResource: Symbol('deleteResource'),
  registerVersion: Symbol('registerVersion'),
  giveVerdict: Symbol('giveVerdict'),
  versionFacts: Symbol('versionFacts'),
  lineageOrigin: Symbol('lineageOrigin'),
  retainVersion: Symbol('retainVersion'),
} as const
