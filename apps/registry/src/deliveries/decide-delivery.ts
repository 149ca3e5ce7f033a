import { type Attempted } from './post.ts'

/** Attempts at one message; the last one is made some three hours after the first. */
export const mostAttempts = 14
/** A webhook that lost so many messages in a row is switched off. */
export const mostFailures = 5

const longestWaitMs = 3_600_000

export type DeliveryDecision =
  | { readonly is: 'delivered' }
  /** Once more, so many ms later. */
  | { readonly is: 'again'; readonly afterMs: number; readonly why: string }
  | { readonly is: 'given-up'; readonly why: string }

/** What passes by itself: the receiver is down, busy, or in trouble. */
const passes = (attempted: Attempted): boolean =>
  attempted.is === 'unreachable' ||
  (attempted.is === 'answered' && (attempted.status >= 500 || attempted.status === 429 || attempted.status === 408))

const reason = (attempted: Attempted): string =>
  attempted.is === 'answered' ? `status ${attempted.status}: ${attempted.body.slice(0, 500)}` : attempted.why

/** What becomes of a message after its `attempt`-th attempt, counted from 1: 1 s, 2 s, 4 s, … up to an hour, or as long as the receiver asked for. */
export const decideDelivery = (attempt: number, attempted: Attempted): DeliveryDecision => {
  if (attempted.is === 'answered' && attempted.status >= 200 && attempted.status < 300) return { is: 'delivered' }
  const why = reason(attempted)
  if (!passes(attempted) || attempt >= mostAttempts) return { is: 'given-up', why }
  const asked = attempted.is === 'answered' ? (attempted.retryAfterMs ?? 0) : 0
  return { is: 'again', afterMs: Math.min(longestWaitMs, Math.max(asked, 1_000 * 2 ** (attempt - 1))), why }
}
