import { randomUUID } from 'node:crypto'
import { post, type PostSettings } from '../deliveries/post.ts'
import { envelope } from './envelope.ts'
import { type Secrets } from './secrets.ts'
import { bodyOf, type Said, type Webhook, type WebhookEntity } from './webhook.ts'

/** What a test came to, as MLflow answers it. */
export interface WebhookTestResult {
  readonly success: boolean
  readonly response_status?: number
  readonly response_body?: string
  readonly error_message?: string
}

/** MLflow's own examples of its payloads. */
const examples: Readonly<Record<WebhookEntity, object>> = {
  REGISTERED_MODEL: { name: 'example_model', tags: { example_key: 'example_value' }, description: 'An example registered model' },
  MODEL_VERSION: {
    name: 'example_model',
    version: '1',
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    tags: { example_key: 'example_value' },
    description: 'An example model version',
  },
  MODEL_VERSION_TAG: { name: 'example_model', version: '1', key: 'example_key', value: 'example_value' },
  MODEL_VERSION_ALIAS: { name: 'example_model', alias: 'example_alias', version: '1' },
}

/** Sends an example at once, once, and says what came back. `now` in Unix ms. */
export const testWebhook = async (
  webhook: Webhook,
  event: Pick<Said, 'entity' | 'action'>,
  settings: PostSettings & { secrets: Secrets; now: number },
): Promise<WebhookTestResult> => {
  const body = JSON.stringify(bodyOf({ ...event, data: examples[event.entity] }, settings.now))
  const attempted = await post(envelope(webhook, settings.secrets, { id: randomUUID(), body, now: settings.now }), settings)
  if (attempted.is !== 'answered') return { success: false, error_message: attempted.why }
  const { status, body: answer } = attempted
  return { success: status < 400, response_status: status, response_body: answer }
}
