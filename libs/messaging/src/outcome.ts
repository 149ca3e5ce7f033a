/** What became of an event: handled, not for us, or not to be handled ever. A throw means: try again. */
export type Outcome = { is: 'done' } | { is: 'drop'; reason: string } | { is: 'deadLetter'; reason: string }

export const done: Outcome = { is: 'done' }

/** The event needs nothing done; `reason` goes to the debug log. */
export const drop = (reason: string): Outcome => ({ is: 'drop', reason })

/** The event can't be handled, and trying again won't help: it goes to the dead-letter topic with `reason`. */
export const deadLetter = (reason: string): Outcome => ({ is: 'deadLetter', reason })
