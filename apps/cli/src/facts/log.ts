import { type CloudEvent } from '@cascata/events'
import { type Context } from '../context.ts'
import { platformDown } from '../errors.ts'

/** A fact and its offset in the log. */
export interface Fact {
  offset: number
  event: CloudEvent
}

/** A connection to Kafka, opened when it is needed: the client is slow to load. */
export async function kafkaOf({ platform }: Context) {
  const brokers = platform.brokers()
  const messaging = await import('@cascata/messaging')
  return { messaging, kafka: messaging.connectKafka({ brokers, clientId: 'cascata-cli' }, messaging.silent), brokers }
}

const unreachable = (error: unknown): boolean =>
  error instanceof Error && /^KafkaJS(Connection|NumberOfRetries|BrokerNotFound|RequestTimeout)/.test(error.name)

/** Runs work with Kafka, and says in plain words when no broker answers. */
export async function withKafka<T>(
  context: Context,
  work: (parts: Awaited<ReturnType<typeof kafkaOf>>) => Promise<T>,
): Promise<T> {
  const parts = await kafkaOf(context)
  try {
    return await work(parts)
  } catch (error) {
    if (unreachable(error)) throw platformDown(`Kafka does not answer at ${parts.brokers.join(', ')}`)
    if ((error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION')
      throw platformDown(`Kafka at ${parts.brokers.join(', ')} has no topic of the platform`)
    throw error
  }
}

/** Hands over the facts of the log, the oldest first; with `follow` until Ctrl-C. What is no event is left out. */
export async function readFacts(
  context: Context,
  {
    from = 'beginning',
    follow = false,
    onFact,
  }: { from?: 'beginning' | { last: number }; follow?: boolean; onFact: (fact: Fact) => void },
): Promise<void> {
  const { decode, facts } = await import('@cascata/events')
  await withKafka(context, ({ messaging, kafka }) =>
    messaging.readLog({
      kafka,
      topic: facts.name,
      from,
      follow,
      signal: context.shell.signal,
      onRecord: ({ offset, key, value, headers }) => {
        try {
          onFact({ offset, event: decode({ key, value, headers }) })
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'InvalidEvent') throw error
        }
      },
    }),
  )
}

/** The whole log of facts, in memory. */
export async function allFacts(context: Context): Promise<Fact[]> {
  const found: Fact[] = []
  await readFacts(context, { onFact: (fact) => void found.push(fact) })
  return found
}

/** `cascata.version.registered.v1` → `version.registered` */
export const nameOf = (event: Pick<CloudEvent, 'type'>): string => event.type.replace(/^cascata\./, '').replace(/\.v\d+$/, '')
