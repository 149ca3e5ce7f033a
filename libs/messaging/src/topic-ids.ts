import type { Kafka } from 'kafkajs'

interface Connected {
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
  findControllerBroker(): Promise<{ connectionPool: { send<T>(call: { request: object; response: object }): Promise<T> } }>
}

/**
 * The ids of topics. A topic that was deleted and created again has another id, which is the one sure sign of it: its offsets
 * may look the same. kafkajs speaks Metadata up to version 6, ids came with version 10; so this sends a request of its own over
 * kafkajs' connections (which bring TLS and SASL).
 */
export interface TopicIds {
  /** The id (32 hex digits) of each topic that exists. */
  of(topics: readonly string[]): Promise<Map<string, string>>
  close(): Promise<void>
}

export function topicIds(kafka: Kafka): TopicIds {
  let cluster: Promise<Connected> | undefined
  const connected = () => (cluster ??= connect(kafka))

  return {
    async of(topics) {
      try {
        const controller = await (await connected()).findControllerBroker()
        return await controller.connectionPool.send<Map<string, string>>({
          request: metadataRequest(topics),
          response: metadataResponse,
        })
      } catch (error) {
        const broken = cluster
        cluster = undefined
        await broken?.then((it) => it.disconnect()).catch(() => {})
        throw error
      }
    },
    async close() {
      await cluster?.then((it) => it.disconnect()).catch(() => {})
    },
  }
}

async function connect(kafka: Kafka): Promise<Connected> {
  const create = Object.getOwnPropertySymbols(kafka).find((symbol) => symbol.description === 'private:Kafka:createCluster')
  if (!create) throw new Error('kafkajs has no createCluster: topic ids were verified with kafkajs 2.2.4.')
  const cluster = (kafka as unknown as Record<symbol, (options: object) => Connected>)[create]!({
    metadataMaxAge: 30_000,
    allowAutoTopicCreation: false,
  })
  await cluster.connect()
  await cluster.refreshMetadata()
  return cluster
}

/**
 * Metadata request, version 10 (flexible): https://kafka.apache.org/protocol#The_Messages_Metadata.
 * kafkajs writes request header 1; a flexible request has header 2, which is header 1 and an empty list of tagged fields: the first byte here.
 */
function metadataRequest(topics: readonly string[]) {
  const parts: Buffer[] = [Buffer.from([0]), varint(topics.length + 1)]
  for (const topic of topics) {
    const name = Buffer.from(topic)
    parts.push(Buffer.alloc(16), varint(name.length + 1), name, Buffer.from([0]))
  }
  // no automatic creation, no authorized operations of the cluster, none of the topics, no tagged fields
  parts.push(Buffer.from([0, 0, 0, 0]))
  const buffer = Buffer.concat(parts)
  return { apiKey: 3, apiVersion: 10, apiName: 'Metadata', encode: async () => ({ buf: buffer, buffer }) }
}

const metadataResponse = {
  decode: async (raw: Buffer) => decodeIds(raw),
  parse: async (ids: Map<string, string>) => ids,
}

function decodeIds(raw: Buffer): Map<string, string> {
  const read = reader(raw)
  read.tagged()
  read.skip(4)
  for (let brokers = read.length(); brokers > 0; brokers--) {
    read.skip(4)
    read.string()
    read.skip(4)
    read.string()
    read.tagged()
  }
  read.string()
  read.skip(4)
  const ids = new Map<string, string>()
  for (let topics = read.length(); topics > 0; topics--) {
    const error = read.int16()
    const name = read.string()
    const id = read.bytes(16).toString('hex')
    read.skip(1)
    for (let partitions = read.length(); partitions > 0; partitions--) {
      read.skip(2 + 4 + 4 + 4)
      for (let list = 0; list < 3; list++) read.skip(4 * read.length())
      read.tagged()
    }
    read.skip(4)
    read.tagged()
    if (error === 0 && name) ids.set(name, id)
  }
  return ids
}

/** Reads Kafka's compact types: lengths are unsigned varints, one more than the length; 0 is null. */
function reader(buffer: Buffer) {
  let at = 0
  const read = {
    skip: (bytes: number) => void (at += bytes),
    bytes: (length: number) => buffer.subarray(at, (at += length)),
    int16: () => buffer.readInt16BE((at += 2) - 2),
    varint() {
      let value = 0
      for (let shift = 0; shift < 35; shift += 7) {
        const byte = buffer.readUInt8(at++)
        value |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      return value >>> 0
    },
    length: () => Math.max(0, read.varint() - 1),
    string: () => read.bytes(read.length()).toString(),
    tagged() {
      for (let fields = read.varint(); fields > 0; fields--) {
        read.varint()
        read.skip(read.varint())
      }
    },
  }
  return read
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  while (value > 0x7f) {
    bytes.push((value & 0x7f) | 0x80)
    value >>>= 7
  }
  return Buffer.from([...bytes, value])
}
