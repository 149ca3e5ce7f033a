/** Where the time comes from: passed in, so that a test or a replay can say what time it is. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
