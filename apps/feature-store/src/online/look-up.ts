import { type FeatureStoreConfig } from '../config.ts'
import { lookupInvalid, lookupTooLarge, onlineUnavailable, viewBuilding, viewRebuilding } from '../errors.ts'
import { type Catalogue } from '../feature-views/catalogue.ts'
import { type NamedField, qualified, type Value, type View } from '../feature-views/view.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { answerWindows } from '../windows/answer-windows.ts'
import { isTiled } from '../windows/restore-tiles.ts'
import { type EntityTiles } from '../windows/entity-tiles.ts'
import { type TileStore } from '../windows/tile-store.ts'
import { keysOfAll, known } from './look-up-keys.ts'
import { type OnlineStore } from './online-store.ts'
import { lookUpPlans, type PlannedView, readerOf } from './look-up-plans.ts'
import { readEventTime, readRevision } from './row-codec.ts'

export type Status = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE'

/** One feature of all entities asked for, in their order. Features of one view share their lists where they are equal. */
export interface FeatureAnswer {
  readonly view: string
  /** Of the view. */
  readonly revision: number
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
  readonly tiles: TileStore
  readonly metrics: FeatureStoreMetrics
  readonly config: Pick<FeatureStoreConfig, 'maxEntities' | 'maxFeatures'>
}

/**
 * Looks features up: all views in one round trip, and those whose keys are fields of others in a second one.
 * Feature i of the answer is feature i of the request.
 */
export const lookUp = (parts: LookUpParts) => {
  const plan = lookUpPlans(parts.catalogue)
  return async (asked: LookUp): Promise<FeatureAnswer[]> => {
    const rows = checkShape(asked, parts.config)
    const views = await plan(asked.namespace, asked.features, Object.keys(asked.entities))
    const found = new Map<PlannedView, ViewColumns>()
    for (const step of [0, 1]) {
      const due = views.filter((view) => view.step === step)
      if (due.length > 0) await readViews(parts, due, asked, rows, found)
    }
    const answers: FeatureAnswer[] = []
    for (const [view, columns] of found) answer(answers, view, columns)
    countStatuses(parts.metrics, answers)
    return answers
  }
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

/** What the rows of a view say: values by field that is read, and what is known of each row. */
export interface ViewColumns {
  readonly values: Value[][]
  readonly statuses: Status[]
  readonly eventTimes: (number | null)[]
}

async function readViews(
  parts: LookUpParts,
  views: readonly PlannedView[],
  asked: LookUp,
  rows: number,
  found: Map<PlannedView, ViewColumns>,
): Promise<void> {
  const keys = keysOfAll(views, asked, rows, found)
  const reads = views.map((planned, index) => ({ planned, keys: known(keys[index]!) }))
  const answers = await readAll(parts, reads).catch((error: unknown) => {
    throw onlineUnavailable({}, { cause: error })
  })
  for (const [index, view] of views.entries()) {
    const answer = answers[index]!
    if (!answer.complete) throw incomplete(parts.catalogue, view.served.view)
    const asRead = await readerOfRows(parts.catalogue, view, answer, asked.now)
    const unread = keys[index]!.length > asRead.count ? unreadable(view, found, rows) : null
    found.set(view, columnsOf(view, asRead, unread, asked.now))
  }
}

type Read =
  | { readonly is: 'rows'; readonly complete: boolean; readonly rows: readonly (Buffer | null)[] }
  | { readonly is: 'tiles'; readonly complete: boolean; readonly entities: readonly (EntityTiles | null)[] }

/** Reads rows and tiles, all in one round trip. */
async function readAll(
  { online, tiles, catalogue }: LookUpParts,
  reads: readonly { readonly planned: PlannedView; readonly keys: readonly string[] }[],
): Promise<Read[]> {
  const plain = reads.filter(({ planned }) => !planned.served.view.windows)
  const [rows, entities] = await Promise.all([
    plain.length === 0 ? [] : online.read(plain.map(({ planned, keys }) => ({ view: planned.served.view, keys }))),
    Promise.all(
      reads.map(({ planned: { served }, keys }) =>
        isTiled(served.view) ? tiles.read(served.view, catalogue.generationOf(served.view), keys) : null,
      ),
    ),
  ])
  let next = 0
  return entities.map((read): Read => (read ? { is: 'tiles', ...read } : { is: 'rows', ...rows[next++]! }))
}

/** Reads what was found of an entity, one after the other. */
interface FoundRows {
  readonly count: number
  /** Event time of the newest row, null when there is none. */
  eventTime(index: number): number | null
  /** Adds the values of the fields that are read to their columns. */
  read(index: number, columns: Value[][]): void
}

async function readerOfRows(catalogue: Catalogue, planned: PlannedView, read: Read, now: number): Promise<FoundRows> {
  const { served, ordinals, readers } = planned
  if (read.is === 'tiles') {
    const plan = served.view.windows!
    const features = ordinals.map((ordinal) => plan.features[ordinal]!)
    return {
      count: read.entities.length,
      eventTime: (index) => read.entities[index]?.newest ?? null,
      read: (index, columns) =>
        answerWindows(plan, features, read.entities[index]!, now).forEach((value, column) => columns[column]!.push(value)),
    }
  }
  const { rows } = read
  await prepareReaders(catalogue, planned, rows)
  const revisionAt = (index: number) => (rows[index] === null ? 0 : readRevision(rows[index]!))
  return {
    count: rows.length,
    eventTime: (index) => (revisionAt(index) === 0 ? null : readEventTime(rows[index]!)),
    read: (index, columns) => readers.get(revisionAt(index))!.read(rows[index]!, columns),
  }
}

const incomplete = (catalogue: Catalogue, view: View) =>
  (catalogue.isBuilding(view) ? viewBuilding : viewRebuilding)({ view: qualified(view) })

/** By row, null or the status of the field without a value that its key needs. */
const unreadable = ({ key }: PlannedView, found: ReadonlyMap<PlannedView, ViewColumns>, rows: number): (Status | null)[] =>
  Array.from({ length: rows }, (_, row) => {
    for (const part of key) {
      if (part.from !== 'view') continue
      const { values, statuses } = found.get(part.view)!
      if (values[part.column]![row] === null) return statuses[row] === 'PRESENT' ? 'NULL_VALUE' : statuses[row]!
    }
    return null
  })

/** Makes readers for the revisions that encoded the rows, where one was not met yet. */
async function prepareReaders(
  catalogue: Catalogue,
  { served, ordinals, readers }: PlannedView,
  rows: readonly (Buffer | null)[],
): Promise<void> {
  for (const row of rows) {
    const revision = row === null ? 0 : readRevision(row)
    if (revision !== 0 && !readers.has(revision))
      readers.set(revision, readerOf(await catalogue.layout(served, revision), ordinals))
  }
}

/** @param unread By entity: the status of one that could not be asked for, which `rows` lacks; null: all were. */
function columnsOf(
  { served: { view }, ordinals }: PlannedView,
  rows: FoundRows,
  unread: readonly (Status | null)[] | null,
  now: number,
): ViewColumns {
  const { ttl } = view.spec
  const values = ordinals.map((): Value[] => [])
  const statuses: Status[] = []
  const eventTimes: (number | null)[] = []
  const without = (status: Status) => {
    statuses.push(status)
    for (const column of values) column.push(null)
  }
  let next = 0
  for (let entity = 0; entity < (unread?.length ?? rows.count); entity += 1) {
    const unasked = unread?.[entity] ?? null
    const at = next
    if (unasked === null) next += 1
    const eventTime = unasked === null ? rows.eventTime(at) : null
    eventTimes.push(eventTime)
    if (eventTime === null) without(unasked ?? 'NOT_FOUND')
    else if (ttl !== null && now - eventTime > ttl) without('OUTSIDE_MAX_AGE')
    else {
      statuses.push('PRESENT')
      rows.read(at, values)
    }
  }
  return { values, statuses, eventTimes }
}

function answer(
  answers: FeatureAnswer[],
  { served: { view }, ordinals, places }: PlannedView,
  { values, statuses, eventTimes }: ViewColumns,
): void {
  places.forEach((place, index) => {
    if (place === null) return
    const column = values[index]!
    answers[place] = {
      view: view.name,
      revision: view.revision,
      field: view.served[ordinals[index]!]!,
      values: column,
      statuses: column.includes(null) ? withNulls(column, statuses) : statuses,
      eventTimes,
    }
  })
}

const withNulls = (values: readonly Value[], statuses: readonly Status[]): Status[] =>
  statuses.map((status, row) => (status === 'PRESENT' && values[row] === null ? 'NULL_VALUE' : status))

function countStatuses({ lookups }: FeatureStoreMetrics, columns: readonly FeatureAnswer[]): void {
  const shared = new Map<readonly Status[], number>()
  for (const { statuses } of columns) shared.set(statuses, (shared.get(statuses) ?? 0) + 1)
  const counts: Partial<Record<Status, number>> = {}
  for (const [statuses, times] of shared) for (const status of statuses) counts[status] = (counts[status] ?? 0) + times
  for (const [status, count] of Object.entries(counts)) lookups.inc({ status }, count)
}
