import { createRequire } from 'node:module'
import { CannotUnpack, unpack } from './codecs.ts'

/** What a fetch may come to once it is unpacked. */
export interface UnpackLimits {
  /** Bytes of one batch, and of what a fetch takes of a partition: the rest of it is fetched again. */
  readonly bytes: number
  /** Records of one batch. */
  readonly records: number
}

/** Header of the one record that stands for a batch that can't be read: why, in words. It has neither key nor value. */
export const unreadableHeader = 'cascata-unreadable'

/** A record as kafkajs decodes it. */
interface FetchedRecord {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, Buffer>
  isControlRecord: boolean
  batchContext: object
}

interface Decoder {
  buffer: Buffer
  offset: number
  readInt32(): number
  canReadBytes(count: number): boolean
  readBytes(count: number): Buffer
}

/** What of kafkajs is used. */
interface KafkaJs {
  decoderOf: new (buffer: Buffer) => Decoder
  decodeBatch: (decoder: Decoder) => Promise<{ records: FetchedRecord[]; maxTimestamp: string; lastOffsetDelta: number }>
  /** As it was: for messages older than magic 2. */
  decodeMessages: (decoder: Decoder) => Promise<FetchedRecord[]>
}

/** Places in a batch (https://kafka.apache.org/documentation/#recordbatch). */
const place = { length: 8, magic: 16, attributes: 21, count: 57, records: 61 }
const codecBits = 0x07

/**
 * Decodes the batches that a fetch has of a partition. One that unpacks to too much, or can't be unpacked, is one record with
 * `cascata-unreadable` at its last offset: kafkajs would fail the whole fetch, and fetch the same again for ever.
 */
export const messagesDecoder =
  ({ decoderOf, decodeBatch, decodeMessages }: KafkaJs, { bytes: limit, records: mostRecords }: UnpackLimits) =>
  async (decoder: Decoder): Promise<FetchedRecord[]> => {
    const start = decoder.offset + 4
    const isOfToday = decoder.buffer.length > start + place.magic && decoder.buffer[start + place.magic] === 2
    if (!isOfToday) return decodeMessages(decoder)
    const size = decoder.readInt32()
    if (size <= 0 || !decoder.canReadBytes(size)) return []
    const fetched = decoder.readBytes(size)
    const records: FetchedRecord[] = []
    let held = 0
    for (const batch of batchesOf(fetched)) {
      if (held >= limit) break
      try {
        const plain = await unpacked(batch, limit, mostRecords)
        held += plain.length
        // Not by spread: a batch may have more records than a call takes arguments.
        for (const record of await recordsOf(plain, plain !== batch)) records.push(record)
      } catch (error) {
        if (!(error instanceof CannotUnpack)) throw error
        records.push(await unreadable(batch, error))
      }
    }
    return records

    async function recordsOf(plain: Buffer, wasPacked: boolean): Promise<FetchedRecord[]> {
      try {
        return (await decodeBatch(new decoderOf(plain))).records
      } catch (error) {
        throw wasPacked ? new CannotUnpack('holds no records', { cause: error }) : error
      }
    }

    async function unreadable(batch: Buffer, { message }: CannotUnpack): Promise<FetchedRecord> {
      const { records: _, ...context } = await decodeBatch(new decoderOf(withRecords(batch, 0, Buffer.alloc(0))))
      const first = batch.readBigInt64BE(0)
      const last = first + BigInt(context.lastOffsetDelta)
      return {
        offset: String(last),
        timestamp: context.maxTimestamp,
        key: null,
        value: null,
        headers: { [unreadableHeader]: Buffer.from(`the batch of offsets ${first} to ${last} ${message}`) },
        isControlRecord: false,
        batchContext: context,
      }
    }
  }

/** The last one may be cut off. */
function* batchesOf(fetched: Buffer): Generator<Buffer> {
  for (let at = 0; at + place.records <= fetched.length;) {
    const end = at + place.length + 4 + fetched.readInt32BE(at + place.length)
    if (end > fetched.length || end <= at) return
    yield fetched.subarray(at, end)
    at = end
  }
}

/** A batch without its compression; itself when it has none. @throws CannotUnpack */
async function unpacked(batch: Buffer, limit: number, mostRecords: number): Promise<Buffer> {
  const codec = batch.readInt16BE(place.attributes) & codecBits
  if (codec === 0) return batch
  const count = batch.readInt32BE(place.count)
  if (count > mostRecords) throw new CannotUnpack(`has ${count} records, at most ${mostRecords} are read`)
  return withRecords(batch, count, await unpack(codec, batch.subarray(place.records), limit))
}

/** A batch with other records, unpacked. */
function withRecords(batch: Buffer, count: number, records: Buffer): Buffer {
  const plain = Buffer.concat([batch.subarray(0, place.records), records])
  plain.writeInt32BE(plain.length - place.length - 4, place.length)
  plain.writeInt16BE(batch.readInt16BE(place.attributes) & ~codecBits, place.attributes)
  plain.writeInt32BE(count, place.count)
  return plain
}

const modulePath = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages'

/** Puts the decoder in the place of kafkajs' own; limits of a later call hold from then on. kafkajs loads it when it first fetches. */
export function limitFetches(limits: UnpackLimits): void {
  const load = createRequire(import.meta.url)
  const own = load(modulePath) as KafkaJs['decodeMessages'] & { limit?: (limits: UnpackLimits) => void }
  if (own.limit) return own.limit(limits)
  const parts: KafkaJs = {
    decoderOf: load('kafkajs/src/protocol/decoder') as KafkaJs['decoderOf'],
    decodeBatch: load('kafkajs/src/protocol/recordBatch/v0/decoder') as KafkaJs['decodeBatch'],
    decodeMessages: own,
  }
  let decode = messagesDecoder(parts, limits)
  const limited = (decoder: Decoder) => decode(decoder)
  load.cache[load.resolve(modulePath)]!.exports = Object.assign(limited, {
    limit: (next: UnpackLimits) => void (decode = messagesDecoder(parts, next)),
  })
}
