/** Names of what Nest injects; `app.module.ts` says how each is made. */
export const Parts = {
  database: Symbol('database'),
  messaging: Symbol('messaging'),
  segments: Symbol('segments'),
  viewDuties: Symbol('viewDuties'),
  eraser: Symbol('eraser'),
  lookInto: Symbol('lookInto'),
} as const
