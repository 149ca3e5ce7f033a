import { type Database, pause } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { envelope } from '../webhooks/envelope.ts'
import { type Secrets } from '../webhooks/secrets.ts'
import { afterDelivery, findWebhook } from '../webhooks/webhooks.store.ts'
import { decideDelivery } from './decide-delivery.ts'
import { type Delivery, dueDeliveries, forgetOld, openLineageTarget, settle } from './deliveries.store.ts'
import { type Attempted, post } from './post.ts'

export interface DeliverySettings {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly secrets: Secrets
  /** Hosts that webhooks may reach although they are private. */
  readonly allowed: readonly string[]
  readonly timeoutMs: number
  /** Where OpenLineage events go; null: nowhere. */
  readonly openLineageUrl: string | null
}

/** Targets that are served at once. */
const concurrent = 20
/** How soon a new message is seen. */
const pollMs = 500

/** Sends what waits, on one replica; what was under way when it died is sent again, under the same id. */
export const delivering =
  (settings: DeliverySettings) =>
  async (signal: AbortSignal): Promise<void> => {
    for (let round = 0; !signal.aborted; round += 1) {
      const due = await dueDeliveries(settings.db, concurrent)
      await Promise.all(due.map((delivery) => deliver(settings, delivery)))
      if (round % 1_000 === 0) await forgetOld(settings.db)
      if (due.length === 0) await pause(pollMs, signal)
    }
  }

const deliver = async (settings: DeliverySettings, delivery: Delivery): Promise<void> => {
  const { db, log } = settings
  const decision = decideDelivery(delivery.attempts + 1, await attempt(settings, delivery))
  await db.transaction(async (tx) => {
    await settle(tx, delivery, decision)
    await afterDelivery(tx, delivery.target, decision)
  })
  if (decision.is === 'given-up')
    log.warn({ delivery: delivery.id, target: delivery.target, why: decision.why }, 'a message was given up')
}

const attempt = async (
  { db, clock, secrets, allowed, timeoutMs, openLineageUrl }: DeliverySettings,
  delivery: Delivery,
): Promise<Attempted> => {
  const { id, target, body } = delivery
  if (target === openLineageTarget) {
    if (openLineageUrl === null) return { is: 'forbidden', why: 'OPENLINEAGE_URL is not set' }
    return post({ url: openLineageUrl, headers: { 'content-type': 'application/json' }, body }, { allowed: null, timeoutMs })
  }
  const webhook = await findWebhook(db, target)
  if (webhook?.status !== 'ACTIVE') return { is: 'forbidden', why: 'the webhook is not active' }
  return post(envelope(webhook, secrets, { id, body, now: clock.now() }), { allowed, timeoutMs })
}
