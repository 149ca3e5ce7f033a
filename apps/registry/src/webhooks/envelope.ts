import { createHmac } from 'node:crypto'
import { type Message } from '../deliveries/post.ts'
import { type Secrets } from './secrets.ts'
import { type Webhook } from './webhook.ts'

/** `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, as MLflow signs (after https://www.standardwebhooks.com). */
export const signatureOf = (secret: string, id: string, timestamp: string, body: string): string =>
  `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`

/** A message to a webhook with MLflow's headers; `now` in Unix ms. */
export const envelope = (
  { webhook_id, url, sealed }: Pick<Webhook, 'webhook_id' | 'url' | 'sealed'>,
  secrets: Secrets,
  { id, body, now }: { id: string; body: string; now: number },
): Message => {
  const secret = sealed && secrets.open(webhook_id, sealed)
  const timestamp = String(Math.floor(now / 1_000))
  return {
    url,
    body,
    headers: {
      'content-type': 'application/json',
      'x-mlflow-delivery-id': id,
      'x-mlflow-timestamp': timestamp,
      ...(secret ? { 'x-mlflow-signature': signatureOf(secret, id, timestamp, body) } : {}),
    },
  }
}
