import { parseReference } from '@cascata/resources'
import { type FeatureStoreConfig } from '../config.ts'
import {
  entityInvalid,
  entityMissing,
  featureNotFound,
  lookupInvalid,
  lookupTooLarge,
  onlineUnavailable,
  viewRebuilding,
} from '../errors.ts'
import { type Catalogue, type ServedView } from '../feature-views/catalogue.ts'
import { type NamedField, qualified, type Value } from '../feature-views/view.ts'
import { encodeKey, isTooLong, maxKeyBytes } from '../ingest/entity-key.ts'
import { type FieldReader, isFault } from '../ingest/validate-fields.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type OnlineStore, type ViewAnswer } from './online-store.ts'
import { readHeader } from './row-codec.ts'

export type Status = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE'

/** One feature of all entities asked for, in their order. */
export interface FeatureAnswer {
  readonly view: string
  readonly field: NamedField
  readonly values: readonly Value[]
  readonly statuses: readonly Status[]
  /** Unix ms, null where there is no row. */
  readonly eventTimes: readonly (number | null)[]
}

export interface LookUp {
  readonly namespace: string
  /** `view:field` */
  readonly features: readonly string[]
  /** A list an entity field, all of one length. */
  readonly entities: Readonly<Record<string, readonly unknown[]>>
  /** Unix ms. */
  readonly now: number
}

export interface LookUpParts {
  readonly catalogue: Catalogue
  readonly online: OnlineStore
  readonly metrics: FeatureStoreMetrics
  readonly config: Pick<FeatureStoreConfig, 'maxEntities' | 'maxFeatures'>
}

interface Wanted {
  readonly served: ServedView
  /** Ordinals of fields, ascending, and which features of the request each is for. */
  readonly ordinals: number[]
  readonly features: Map<number, number[]>
}

/** Looks features up: all views in one round trip. Feature i of the answer is feature i of the request. */
export const lookUp =
  (parts: LookUpParts) =>
  async (asked: LookUp): Promise<FeatureAnswer[]> => {
    const rows = checkShape(asked, parts.config)
    const wanted = await resolve(parts.catalogue, asked)
    const reads = wanted.map(({ served }) => ({ view: served.view, keys: keysOf(served, asked.entities, rows) }))
    const answers = await parts.online.read(reads).catch((error: unknown) => {
      throw onlineUnavailable({}, { cause: error })
    })
    const columns: FeatureAnswer[] = []
    for (const [index, each] of wanted.entries()) await fill(parts, columns, each, answers[index]!, asked)
    for (const { statuses } of columns) countStatuses(parts.metrics, statuses)
    return columns
  }

/** The number of entities asked for. */
function checkShape({ features, entities }: LookUp, { maxEntities, maxFeatures }: LookUpParts['config']): number {
  const lists = Object.entries(entities)
  if (features.length === 0) throw lookupInvalid({ problem: 'it asks for no feature' })
  if (features.length > maxFeatures)
    throw lookupTooLarge({ what: 'features', limit: maxFeatures, setting: 'FEATURE_STORE_MAX_FEATURES' })
  if (new Set(features).size < features.length) throw lookupInvalid({ problem: 'it names a feature twice' })
  if (lists.length === 0) throw lookupInvalid({ problem: 'it names no entity' })
  const rows = lists[0]![1].length
  const odd = lists.find(([, values]) => values.length !== rows)
  if (odd)
    throw lookupInvalid({ problem: `entities.${odd[0]} has ${odd[1].length} values, where entities.${lists[0]![0]} has ${rows}` })
  if (rows > maxEntities) throw lookupTooLarge({ what: 'entities', limit: maxEntities, setting: 'FEATURE_STORE_MAX_ENTITIES' })
  return rows
}

async function resolve(catalogue: Catalogue, { namespace, features }: LookUp): Promise<Wanted[]> {
  const wanted = new Map<string, Wanted>()
  for (const [index, feature] of features.entries()) {
    const { view: name, field } = parseReference(feature)
    const served = await catalogue.get(namespace, name)
    const ordinal = served.ordinalOf.get(field)
    if (ordinal === undefined) throw featureNotFound({ feature, known: served.view.fields.map((each) => each.name) })
    const entry = wanted.get(name) ?? { served, ordinals: [], features: new Map<number, number[]>() }
    wanted.set(name, entry)
    entry.features.set(ordinal, [index])
    entry.ordinals.push(ordinal)
  }
  for (const { ordinals } of wanted.values()) ordinals.sort((a, b) => a - b)
  return [...wanted.values()]
}

/** The encoded keys of a view, one an entity. */
function keysOf({ view, keyReaders }: ServedView, entities: LookUp['entities'], rows: number): string[] {
  const columns = view.entity.map(({ name }) => {
    if (!Object.hasOwn(entities, name)) throw entityMissing({ view: qualified(view), field: name })
    return entities[name]!
  })
  const keys: string[] = []
  for (let row = 0; row < rows; row += 1) {
    const key = encodeKey(columns.map((values, part) => keyPart(values[row], view.entity[part]!, keyReaders[part]!, row)))
    if (isTooLong(key))
      throw entityInvalid({ field: view.spec.entity.join(', '), index: row, problem: `it is longer than ${maxKeyBytes} bytes` })
    keys.push(key)
  }
  return keys
}

function keyPart(value: unknown, { name }: NamedField, read: FieldReader, row: number): Value {
  if (value === null || value === undefined) throw entityInvalid({ field: name, index: row, problem: 'it is null' })
  const stored = read(value)
  if (isFault(stored)) throw entityInvalid({ field: name, index: row, problem: stored.message })
  return stored
}

async function fill(
  { catalogue }: LookUpParts,
  columns: FeatureAnswer[],
  { served, ordinals, features }: Wanted,
  { complete, rows }: ViewAnswer,
  { now }: LookUp,
): Promise<void> {
  const { view } = served
  if (!complete) throw viewRebuilding({ view: qualified(view) })
  const filled = ordinals.map(() => ({ values: [] as Value[], statuses: [] as Status[] }))
  const eventTimes: (number | null)[] = []
  const { ttl } = view.spec
  for (const row of rows) {
    const header = row && readHeader(row)
    const missing = header === null || header.revision === 0
    eventTimes.push(missing ? null : header.eventTime)
    if (missing || (ttl !== null && now - header.eventTime > ttl)) {
      const status = missing ? 'NOT_FOUND' : 'OUTSIDE_MAX_AGE'
      for (const column of filled) push(column, null, status)
      continue
    }
    const values = await catalogue.decode(served, header.revision, row!, ordinals)
    filled.forEach((column, index) => {
      const value = values[index] ?? null
      push(column, value, value === null ? 'NULL_VALUE' : 'PRESENT')
    })
  }
  ordinals.forEach((ordinal, index) => {
    for (const at of features.get(ordinal)!)
      columns[at] = { view: view.name, field: view.fields[ordinal]!, ...filled[index]!, eventTimes }
  })
}

function push(column: { values: Value[]; statuses: Status[] }, value: Value, status: Status): void {
  column.values.push(value)
  column.statuses.push(status)
}

function countStatuses({ lookups }: FeatureStoreMetrics, statuses: readonly Status[]): void {
  const counts: Partial<Record<Status, number>> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  for (const [status, count] of Object.entries(counts)) lookups.inc({ status }, count)
}
