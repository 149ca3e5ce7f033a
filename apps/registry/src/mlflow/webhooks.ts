import { randomUUID } from 'node:crypto'
import { currentPrincipal } from '@cascata/service'
import { z } from 'zod'
import { record } from '../audit/audit.store.ts'
import { permissionDenied, resourceDoesNotExist } from '../errors.ts'
import { type PostSettings } from '../deliveries/post.ts'
import { refusalOfUrl } from '../deliveries/public-address.ts'
import { type Secrets } from '../webhooks/secrets.ts'
import { testWebhook } from '../webhooks/test-webhook.ts'
import { type Said, type Webhook, type WebhookEvent, webhookEvents } from '../webhooks/webhook.ts'
import { addWebhook, changeWebhook, findWebhook, listWebhooks, removeWebhook } from '../webhooks/webhooks.store.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { int64, opaqueId, refuse, text } from './wire.ts'

interface Settings extends Tracking {
  readonly webhooks: PostSettings & { readonly secrets: Secrets }
}

const event = z.object({ entity: text, action: text })
const status = z.enum(['ACTIVE', 'DISABLED'])
const create = z.object({
  name: text,
  url: text.max(2_048),
  events: z.array(event).max(50),
  description: text.max(1_000).optional(),
  secret: text.max(1_000).optional(),
  status: status.default('ACTIVE'),
})
const byId = z.object({ webhook_id: opaqueId })
const update = byId.extend(create.partial().shape).extend({ status: status.optional() })
const list = z.object({ max_results: int64.default(100), page_token: text.optional() })

/** A webhook as MLflow's JSON says it: its secret is never shown. */
const say = ({ sealed: _, description, ...webhook }: Webhook): object => ({ ...webhook, description: description ?? undefined })

const checkName = (name: string): void => {
  if (/^[a-zA-Z0-9]([\w.-]{0,61}[a-zA-Z0-9])?$/.test(name)) return
  refuse(
    `Webhook name '${name}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  )
}

const isKnown = (asked: WebhookEvent): asked is Said =>
  Object.hasOwn(webhookEvents, asked.entity) &&
  (webhookEvents[asked.entity as keyof typeof webhookEvents] as readonly string[]).includes(asked.action)

const checkEvents = (events: readonly WebhookEvent[]): void => {
  if (events.length === 0) refuse('Webhook events must be a non-empty list of WebhookEvent objects: [].')
  const unknown = events.find((each) => !isKnown(each))
  if (unknown)
    refuse(`Invalid action '${unknown.action}' for entity '${unknown.entity}'. Prompts and budgets are not kept by this server.`)
}

/** A URL that may be called, as far as that can be told without asking for its address. */
const checkUrl = (url: string, { allowed }: PostSettings): void => {
  const refusal = refusalOfUrl(url, allowed ?? [])
  if (refusal) refuse(`Invalid webhook URL '${url.slice(0, 200)}': ${refusal}.`)
}

/** A webhook hears of every namespace, so only who may see them all has to do with webhooks. */
const requireAll = (): void => {
  if (!currentPrincipal().unscoped)
    throw permissionDenied({ message: 'Permission denied: webhooks hear of all namespaces, and need a token for all of them.' })
}

const found = (webhook: Webhook | undefined, id: string): Webhook => {
  if (!webhook) throw resourceDoesNotExist({ message: `Webhook with ID ${id} not found.` })
  return webhook
}

const audited = (action: string, { webhook_id, name, url }: Webhook) => ({
  who: currentPrincipal().name,
  action,
  namespace: 'default',
  subject: `webhook/${webhook_id}`,
  details: { name, url },
})

/** Webhooks by MLflow's routes: kept, changed, tried. What they are told, and how, is `webhooks/`. */
export const webhookEndpoints = ({ db, clock, webhooks }: Settings): Endpoint[] => {
  const admin = <Shape extends z.ZodType>(
    method: Endpoint['methods'][number],
    path: string,
    shape: Shape,
    answer: (asked: z.infer<Shape>) => Promise<object>,
  ): Endpoint => endpoint(method, path, 'admin', shape, (asked) => (requireAll(), answer(asked)))

  return [
    admin('POST', 'webhooks', create, async ({ description, secret, ...asked }) => {
      checkName(asked.name)
      checkUrl(asked.url, webhooks)
      checkEvents(asked.events)
      const webhook_id = randomUUID()
      const sealed = secret === undefined ? null : webhooks.secrets.seal(webhook_id, secret)
      const webhook = { ...asked, webhook_id, description: description ?? null, sealed }
      const kept = await db.transaction(async (tx) => {
        const added = await addWebhook(tx, webhook, clock.now())
        await record(tx, audited('webhook.created', added))
        return added
      })
      return { webhook: say(kept) }
    }),
    admin('GET', 'webhooks', list, async ({ max_results, page_token }) => {
      if (max_results < 1 || max_results > 1_000) refuse('max_results must be between 1 and 1000.')
      const kept = await listWebhooks(db, { after: page_token || undefined, limit: max_results + 1 })
      const page = kept.slice(0, max_results)
      return {
        webhooks: page.length > 0 ? page.map(say) : undefined,
        next_page_token: kept.length > max_results ? page.at(-1)!.webhook_id : undefined,
      }
    }),
    admin('GET', 'webhooks/:webhook_id', byId, async ({ webhook_id }) => ({
      webhook: say(found(await findWebhook(db, webhook_id), webhook_id)),
    })),
    admin('PATCH', 'webhooks/:webhook_id', update, async ({ webhook_id, secret, ...change }) => {
      if (change.name !== undefined) checkName(change.name)
      if (change.url !== undefined) checkUrl(change.url, webhooks)
      if (change.events !== undefined) checkEvents(change.events)
      const changed = await db.transaction(async (tx) => {
        const sealed = secret === undefined ? undefined : webhooks.secrets.seal(webhook_id, secret)
        const webhook = found(await changeWebhook(tx, webhook_id, { ...change, sealed }, clock.now()), webhook_id)
        await record(tx, audited('webhook.changed', webhook))
        return webhook
      })
      return { webhook: say(changed) }
    }),
    admin('DELETE', 'webhooks/:webhook_id', byId, async ({ webhook_id }) => {
      const webhook = found(await findWebhook(db, webhook_id), webhook_id)
      await db.transaction(async (tx) => {
        await removeWebhook(tx, webhook_id)
        await record(tx, audited('webhook.deleted', webhook))
      })
      return {}
    }),
    admin('POST', 'webhooks/:webhook_id/test', byId.extend({ event: event.optional() }), async ({ webhook_id, event: asked }) => {
      const webhook = found(await findWebhook(db, webhook_id), webhook_id)
      const told = asked ?? webhook.events.find(isKnown)!
      checkEvents([told])
      return { result: await testWebhook(webhook, told as Said, { ...webhooks, now: clock.now() }) }
    }),
  ]
}
