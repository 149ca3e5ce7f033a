import { type CloudEvent, type DataOf, decode, type EventDefinition, facts, routeChanged, routes } from '@cascata/events'
import { connectKafka, fact, openProducer, silent, toRecord } from '@cascata/messaging'
import { backing, uniqueName } from '@cascata/testing'
import { config } from './config.ts'
import { start } from './start.ts'

/** A deployer of its own: free port, own schema and group; Kafka is shared with other tests, so look for what is yours. */
export const startForTest = async (schema: string, more: Record<string, string> = {}) => {
  const { kafka, postgres } = backing()
  const settings = config.parse({
    KAFKA_BROKERS: kafka,
    DATABASE_URL: postgres,
    DEPLOYER_PORT: '0',
    DEPLOYER_DATABASE_SCHEMA: schema,
    DEPLOYER_PREDICTIONS_GROUP: `${schema}.predictions`,
    DEPLOYER_TICK: '50ms',
    DEPLOYER_ASK_MONITOR: '50ms',
    CASCATA_DATABASE_POOL: '5',
    CASCATA_LOG_LEVEL: 'warn',
    ...more,
  })
  const service = await start(settings)
  const call = async (method: string, path: string, body?: object) => {
    const headers = body ? { 'content-type': 'application/json' } : {}
    const answer = await fetch(service.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    return { status: answer.status, body: (await answer.json()) as any } // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into any answer
  }
  return { ...service, call }
}

/** Says facts as other apps do, and hears what the deployer says of one namespace. */
export const openWire = async (namespace: string) => {
  const kafka = connectKafka({ brokers: [backing().kafka], clientId: uniqueName('wire') }, silent)
  const producer = await openProducer({ kafka, log: silent })
  const said: CloudEvent<{ version: string; step: number; share: number; reason: string; rollout: string; evidence: object }>[] =
    []
  const saidRoutes: DataOf<typeof routeChanged>[] = []
  const consumer = kafka.consumer({ groupId: uniqueName('wire') })
  await consumer.connect()
  await consumer.subscribe({ topics: [facts.name, routes.name], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const event = message.value === null ? null : decode(message)
      if (event?.namespace !== namespace) return
      if (event.type === routeChanged.type) saidRoutes.push(event.data as never)
      else if (event.type.startsWith('cascata.rollout.')) said.push(event as never)
    },
  })
  return {
    said,
    saidRoutes,
    say: async <Data>(definition: EventDefinition<Data>, data: Data) => {
      const record = toRecord(fact(definition, data), 'test')
      await producer.send({ topic: definition.topic.name, messages: [record] })
    },
    sendAll: (definition: EventDefinition, all: readonly unknown[]) =>
      producer.send({ topic: definition.topic.name, messages: all.map((data) => toRecord(fact(definition, data), 'test')) }),
    close: async () => {
      await consumer.disconnect()
      await producer.close()
    },
  }
}
