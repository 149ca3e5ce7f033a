import { setTimeout as pause } from 'node:timers/promises'
import { facts, versionFailed, versionLoaded, type Cause } from '@cascata/events'
import { fact, toRecord, type Fact } from '@cascata/messaging'
import { type Logger } from '@cascata/service'
import { type Tells } from '../routing/router.ts'
import { type LazyProducer } from './lazy-producer.ts'

/** Facts of a replica that has no database: kept in memory, in order, and sent again until the broker has them. The oldest goes when too many wait. */
export interface ToldFacts extends Tells {
  stop(): Promise<void>
}

const most = 1_000

export function toldFacts({ producer, replica, log }: { producer: LazyProducer; replica: string; log: Logger }): ToldFacts {
  const waiting: ReturnType<typeof toRecord>[] = []
  const stopping = new AbortController()
  let sending: Promise<void> | undefined

  const sendAll = async () => {
    for (let attempt = 0; waiting.length > 0 && !stopping.signal.aborted;) {
      const batch = waiting.slice(0, 100)
      try {
        await producer.send({ topic: facts.name, messages: batch })
        waiting.splice(0, batch.length)
        attempt = 0
      } catch (error) {
        log.debug({ err: error }, 'facts could not be told and are tried again')
        await pause(Math.min(5_000, 100 * 2 ** attempt++), undefined, { signal: stopping.signal }).catch(() => undefined)
      }
    }
    sending = undefined
  }
  const tell = (said: Fact, causedBy: Cause | undefined) => {
    if (waiting.length >= most) waiting.shift()
    waiting.push(toRecord(said, 'inference', { causedBy }))
    sending ??= sendAll()
  }

  return {
    loaded({ namespace, model, revision, generation }, { version, loadMs }, cause) {
      tell(fact(versionLoaded, { namespace, model, revision, version, replica, generation, loadMs }), cause)
    },
    failed({ namespace, model, revision, generation }, version, { code, message }, cause) {
      tell(
        fact(versionFailed, { namespace, model, revision, version, replica, generation, code, message: message.slice(0, 4_000) }),
        cause,
      )
    },
    async stop() {
      stopping.abort()
      await sending
    },
  }
}
