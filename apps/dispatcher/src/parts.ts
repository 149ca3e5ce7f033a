/** Names of what Nest injects; `app.module.ts` says how each is made. */
export const Parts = {
  database: Symbol('database'),
  clock: Symbol('clock'),
  weigh: Symbol('weigh'),
  executor: Symbol('executor'),
  config: Symbol('config'),
} as const
