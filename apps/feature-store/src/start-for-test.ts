import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resourceApplied, resourceDeleted } from '@cascata/events'
import { connectKafka, fact, openProducer, silent, toRecord } from '@cascata/messaging'
import { type Model, parseResources, pinModel, viewsByName, resourceKey } from '@cascata/resources'
import { backing, uniqueName } from '@cascata/testing'
import { config } from './config.ts'
import { start } from './start.ts'

/** Settings of a feature store of its own: own schema, folder and key prefix, on a given Kafka (its topics of specs and facts are the platform's). */
export const settingsForTest = (kafka: string, more: Record<string, string> = {}): Record<string, string> => ({
  KAFKA_BROKERS: kafka,
  DATABASE_URL: backing().postgres,
  REDIS_URL: backing().redis,
  FEATURE_STORE_PORT: '0',
  FEATURE_STORE_SCHEMA: uniqueName('fs'),
  FEATURE_STORE_REDIS_PREFIX: `${uniqueName('fs')}:`,
  CASCATA_HOME: mkdtempSync(join(tmpdir(), 'feature-store-')),
  CASCATA_LOG_LEVEL: 'warn',
  ...more,
})

/** Starts a feature store in this process. */
export const startForTest = async (settings: Record<string, string>) => {
  const service = await start(config.parse(settings))
  return { ...service, call: callerOf(service.url) }
}

export interface Answer {
  readonly status: number
  readonly text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test expects of it, it says itself
  readonly body: any
  readonly bytes: Buffer
}

/** Calls routes of a running service. */
export const callerOf =
  (url: string) =>
  async (
    method: string,
    path: string,
    body?: object | string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const json = typeof body === 'object' && !Buffer.isBuffer(body)
    const answer = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: (json ? JSON.stringify(body) : body) as string }),
      headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const text = bytes.toString()
    return { status: answer.status, text, bytes, body: /^[[{"]/.test(text) ? (JSON.parse(text) as unknown) : undefined }
  }

/** A record for a topic: a value as JSON, or bytes; its timestamp in Unix ms. */
export interface Published {
  readonly key?: string | null
  readonly value: object | Buffer | string | null
  readonly timestamp?: number
  readonly partition?: number
  readonly headers?: Record<string, string>
}

/** Somebody else on the same Kafka: applies resources as the registry does, publishes rows. */
export const outsider = async (broker: string) => {
  const kafka = connectKafka({ brokers: [broker], clientId: 'outsider' }, silent)
  const producer = await openProducer({ kafka, log: silent })
  const revisions = new Map<string, number>()
  let generation = 0

  return {
    producer,
    /** Publishes the revisions that a registry would, from YAML. */
    async apply(yaml: string): Promise<void> {
      const resources = parseResources(yaml, { file: 'test.yaml' })
      const views = viewsByName(resources)
      for (const each of resources) {
        const resource = each.kind === 'Model' ? pinModel(each as Model, views) : each
        const { apiVersion, kind, metadata, spec } = resource
        const revision = (revisions.get(resourceKey(resource)) ?? 0) + 1
        revisions.set(resourceKey(resource), revision)
        const { namespace, name } = metadata
        const data = {
          apiVersion: apiVersion as 'cascata/v1',
          kind,
          namespace,
          name,
          revision,
          generation: ++generation,
          commit: null,
          metadata,
          spec: spec as Record<string, unknown>,
        }
        await producer.send({ topic: 'cascata.specs', messages: [toRecord(fact(resourceApplied, data) as never, 'registry')] })
      }
    },
    async remove(kind: 'FeatureView' | 'Model', name: string): Promise<void> {
      const revision = revisions.get(`${kind}/default/${name}`)!
      const data = { kind, namespace: 'default', name, revision, generation: ++generation, commit: null }
      await producer.send({ topic: 'cascata.specs', messages: [toRecord(fact(resourceDeleted, data) as never, 'registry')] })
    },
    /** Sends rows, each batch in one request. */
    async publish(topic: string, rows: readonly Published[]): Promise<void> {
      const bytes = (value: Published['value']) =>
        value === null || Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value)
      const messages = rows.map(({ key = null, value, timestamp, ...more }) => ({
        key,
        value: bytes(value),
        ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
        ...more,
      }))
      await producer.send({ topic, messages })
    },
    close: () => producer.close(),
  }
}
