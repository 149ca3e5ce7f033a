/** What MLflow calls the events of a registry; those of prompts and budgets are not ours. */
export const webhookEvents = {
  REGISTERED_MODEL: ['CREATED'],
  MODEL_VERSION: ['CREATED'],
  MODEL_VERSION_TAG: ['SET', 'DELETED'],
  MODEL_VERSION_ALIAS: ['CREATED', 'DELETED'],
} as const

export type WebhookEntity = keyof typeof webhookEvents
export type WebhookAction = (typeof webhookEvents)[WebhookEntity][number]

/** What a webhook is called for. */
export interface WebhookEvent {
  readonly entity: string
  readonly action: string
}

/** `DISABLED` also when it lost too many messages in a row. */
export type WebhookStatus = 'ACTIVE' | 'DISABLED'

/** A webhook as it is kept. Times are Unix ms. */
export interface Webhook {
  readonly webhook_id: string
  readonly name: string
  readonly description: string | null
  readonly url: string
  readonly events: readonly WebhookEvent[]
  readonly status: WebhookStatus
  readonly creation_timestamp: number
  readonly last_updated_timestamp: number
  /** Signs what is sent, once `Secrets` has opened it; never shown. */
  readonly sealed: string | null
}

/** What happened, with MLflow's payload. */
export interface Said {
  readonly entity: WebhookEntity
  readonly action: WebhookAction
  readonly data: object
}

/** The body of a message, as MLflow's own server words it. */
export const bodyOf = ({ entity, action, data }: Said, now: number) => ({
  entity: entity.toLowerCase(),
  action: action.toLowerCase(),
  timestamp: new Date(now).toISOString(),
  data,
})
