/** Names of what Nest injects; `app.module.ts` says how each is made. */
export const Parts = { database: Symbol('database') } as const
