import { type CustomTransportStrategy, Server } from '@nestjs/microservices'
import type { Messaging } from './messaging.ts'

/**
 * An app's messaging as a Nest microservice, so that one application has both its sides: `connectMicroservice` puts it beside HTTP,
 * and closing the application drains it. What it listens to stands in the app's `consumers.ts`, not in decorators: Nest's own Kafka
 * transport handles messages one by one, commits what nobody handled, and ends without draining.
 */
export class MessagingTransport extends Server implements CustomTransportStrategy {
  private readonly messaging: Messaging

  constructor(messaging: Messaging) {
    super()
    this.messaging = messaging
  }

  /** Reading has begun with `startMessaging`; there is nothing to wait for. */
  listen(ready: (error?: unknown) => void): void {
    ready()
  }

  /** Ends reading, finishes what is under way, sends what was said. */
  close(): Promise<void> {
    return this.messaging.stop()
  }

  override on(): never {
    throw new Error('Messaging has no events of its own: look at its metrics, or at `check`.')
  }

  override unwrap<T>(): T {
    return this.messaging as T
  }
}
