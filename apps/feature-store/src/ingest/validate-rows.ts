import { type RecordDecoder, recordDecoder } from '../formats/decode.ts'
import { type Decoded, type RowObject } from '../formats/decoded.ts'
import { schemaRegistry } from '../formats/schema-registry.ts'
import { type NamedField, type Value, type View } from '../feature-views/view.ts'
import { encodeKey, isTooLong, maxKeyBytes } from './entity-key.ts'
import { emptyBatch, type Intake, type Place, type Rejected, type RowBatch } from './row-batch.ts'
import { fieldReader, isFault, type FieldReader } from './validate-fields.ts'
import { arrivalOf, placeImported, placeLive, timeReader, type RowTimes } from './validate-times.ts'

/** Largest value of a record, in bytes. */
export const maxRowBytes = 1024 ** 2

/** A record as it came from Kafka. `timestamp` in Unix ms, NaN when it has none. */
export interface RawRecord extends Place {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, unknown>>
}

type Refusal = Pick<Rejected, 'code' | 'field' | 'message'>

interface FieldPlan {
  readonly field: NamedField
  readonly read: FieldReader
  readonly isKey: boolean
  readonly isEventTime: boolean
}

/** Validates records against one revision of a view. */
export interface RowValidator {
  /** Fetches what decoding the records needs; throws while that can't be had. Undefined when it needs nothing. */
  readonly prepare?: RecordDecoder['prepare']
  /** Takes records in, in order. `now` is the ingest clock, in Unix ms. */
  take(records: readonly RawRecord[], now: number): Intake
}

const watermarkHeader = 'cascata-watermark'
const backfillHeader = 'cascata-backfill'

/** Compiles the validator of a view's revision; every reader is chosen once, here. */
export function compileValidator(
  view: View,
  decoder: RecordDecoder = recordDecoder(view.spec.source.format, schemaRegistry(null)),
): RowValidator {
  const { format, field: eventField } = view.spec.eventTime
  const plans: FieldPlan[] = view.fields.map((field) => ({
    field,
    read: fieldReader(field, format),
    isKey: view.spec.entity.includes(field.name),
    isEventTime: field.name === eventField,
  }))
  const entityAt = view.spec.entity.map((name) => view.fields.findIndex((field) => field.name === name))
  const eventAt = view.fields.findIndex((field) => field.name === eventField)
  const names = new Set(view.fields.map(({ name }) => name))
  const readTime = timeReader(format)
  const row: Value[] = new Array<Value>(plans.length).fill(null)

  /** Reads an object into `row`; what is wrong with it otherwise. */
  const readFields = (object: Record<string, unknown>): Refusal | undefined => {
    for (let index = 0; index < plans.length; index += 1) {
      const { field, read, isKey, isEventTime } = plans[index]!
      const value = object[field.name]
      if (value === undefined || value === null) {
        if (!field.nullable || isKey || isEventTime) return missing(plans[index]!, value)
        row[index] = null
        continue
      }
      if (isEventTime) {
        const ms = readTime(value)
        if (Number.isNaN(ms))
          return { code: 'EVENT_TIME_INVALID', field: field.name, message: `expected a timestamp (${format})` }
        row[index] = ms
        continue
      }
      const stored = read(value)
      if (isFault(stored)) return { ...stored, field: field.name }
      row[index] = stored
    }
    return undefined
  }

  const missing = ({ field, isKey, isEventTime }: FieldPlan, value: null | undefined): Refusal => {
    if (value === undefined) return { code: 'MISSING_FIELD', field: field.name }
    if (isKey) return { code: 'NULL_KEY', field: field.name }
    return isEventTime
      ? { code: 'EVENT_TIME_INVALID', field: field.name, message: 'is null' }
      : { code: 'WRONG_TYPE', field: field.name, message: `expected ${field.type}, found null` }
  }

  const keyOf = (): string | Refusal => {
    const key = encodeKey(entityAt.map((at) => row[at]!))
    return isTooLong(key)
      ? { code: 'KEY_TOO_LONG', field: view.spec.entity.join(', '), message: `longer than ${maxKeyBytes} bytes` }
      : key
  }

  const takeRow = (record: RawRecord, object: RowObject, now: number, intake: Intake): Refusal | undefined => {
    const fault = readFields(object)
    if (fault) return fault
    const key = keyOf()
    if (typeof key !== 'string') return key
    const times = placed(record, row[eventAt] as number, now)
    if (!times) return { code: 'EVENT_TIME_IN_FUTURE', field: eventField, message: 'more than 5 minutes after its arrival' }
    push(intake.batch, record, key, row, times, false)
    raise(intake, record.partition, times.eventTime)
    for (const name in object) {
      if (names.has(name)) continue
      intake.withUnknownFields += 1
      break
    }
    return undefined
  }

  const placed = (record: RawRecord, eventTime: number, now: number): RowTimes | null =>
    record.headers[backfillHeader] === undefined
      ? placeLive(eventTime, arrivalOf(record.timestamp, now))
      : placeImported(eventTime, view.spec.source.lag, now)

  const takeDelete = (
    record: RawRecord,
    { entity, exact }: Decoded & { is: 'delete' },
    now: number,
    intake: Intake,
  ): Refusal | undefined => {
    const noValue = (message: string): Refusal => ({ code: 'NO_VALUE', message })
    const given = Object.keys(entity)
    const isOfView = view.spec.entity.every((name) => given.includes(name)) && (!exact || given.length === entityAt.length)
    if (!isOfView) {
      intake.ignored += 1
      return undefined
    }
    if (view.windows) return noValue('rows are counted in the aggregates of a windowed view, and none is deleted')
    row.fill(null)
    for (const at of entityAt) {
      const { field, read } = plans[at]!
      const value = entity[field.name]
      const stored = value === null ? null : read(value)
      if (stored === null || isFault(stored)) return { ...noValue('the key is not of the type of the entity'), field: field.name }
      row[at] = stored
    }
    const key = keyOf()
    if (typeof key !== 'string') return { ...noValue(`the key is longer than ${maxKeyBytes} bytes`) }
    const arrival = arrivalOf(record.timestamp, now)
    push(intake.batch, record, key, row, { eventTime: arrival, availableAt: arrival }, true)
    return undefined
  }

  const takeOne = (record: RawRecord, now: number, intake: Intake): Refusal | undefined => {
    if (record.value !== null && record.value.length > maxRowBytes)
      return { code: 'ROW_TOO_LARGE', message: `${record.value.length} bytes, at most ${maxRowBytes}` }
    const pushed = record.key === null && record.value === null ? record.headers[watermarkHeader] : undefined
    if (pushed !== undefined) return takeWatermark(record, Number(String(pushed)), now, intake)
    const decoded = decoder.decode(record)
    switch (decoded.is) {
      case 'row':
        return takeRow(record, decoded.row, now, intake)
      case 'delete':
        return takeDelete(record, decoded, now, intake)
      case 'nothing':
        intake.ignored += 1
        return undefined
      case 'refused':
        return { code: decoded.code, ...(decoded.message === undefined ? {} : { message: decoded.message }) }
    }
  }

  const takeWatermark = (record: RawRecord, ms: number, now: number, intake: Intake): Refusal | undefined => {
    if (!Number.isFinite(ms)) return { code: 'NO_VALUE', message: `the header ${watermarkHeader} is not a time in Unix ms` }
    raise(intake, record.partition, Math.min(Math.floor(ms), arrivalOf(record.timestamp, now)))
    return undefined
  }

  return {
    ...(decoder.prepare ? { prepare: decoder.prepare } : {}),
    take(records, now) {
      const intake: Intake = { batch: emptyBatch(view), rejects: [], ignored: 0, withUnknownFields: 0, highs: new Map() }
      for (let index = 0; index < records.length; index += 1) {
        const record = records[index]!
        const refusal = takeOne(record, now, intake)
        if (!refusal) continue
        const { partition, epoch, offset } = record
        intake.rejects.push({ partition, epoch, offset, ...refusal, record: index })
      }
      return intake
    },
  }
}

function push(batch: RowBatch, place: Place, key: string, row: readonly Value[], times: RowTimes, deleted: boolean): void {
  batch.keys.push(key)
  for (let index = 0; index < row.length; index += 1) batch.values[index]!.push(row[index]!)
  batch.eventTimes.push(times.eventTime)
  batch.availableAts.push(times.availableAt)
  batch.partitions.push(place.partition)
  batch.epochs.push(place.epoch)
  batch.offsets.push(place.offset)
  batch.deleted.push(deleted)
  batch.count += 1
  if (deleted) batch.deletes += 1
}

function raise({ highs }: Intake, partition: number, eventTime: number): void {
  const high = highs.get(partition)
  if (high === undefined || eventTime > high) highs.set(partition, eventTime)
}
