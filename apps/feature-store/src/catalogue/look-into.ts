import { type DuckDBConnection } from '@duckdb/node-api'
import { type Database } from '@cascata/messaging'
import { type NamedField, qualified, type View } from '../feature-views/view.ts'
import { revisionsOf, type StoredView } from '../feature-views/views.store.ts'
import { type Duck } from '../offline/duckdb.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { byNearness, isComparable, isNear, type Similarity } from './decide-similar.ts'
import { lastDays } from './decide-days.ts'
import { driftDays, type DriftOfValues, measureDrift } from './measure-drift.ts'
import { compareFields, type FeatureProfile, profileField } from './measure.ts'
import { newestSegments, type Sampled } from './sample-sql.ts'

/** What the values of a feature say, or why they say nothing. */
export type Insight =
  | {
      readonly state: 'measured'
      readonly profile: FeatureProfile
      /** Null for a time, and where there are no rows. */
      readonly drift: DriftOfValues | null
      readonly near: readonly Similarity[]
      readonly compared: number
    }
  | { readonly state: 'windowed' | 'too-slow' }

/** Looks into the values of a field of a view; `others` are the views that it may be compared with. */
export type LookInto = (stored: StoredView, field: NamedField, others: readonly StoredView[]) => Promise<Insight>

const keptInsights = 1_000
const comparedKeys = 5_000
/** How many fields a feature is compared with at most, and how many of them at once. */
const comparedFields = 500
const fieldsAtOnce = 20

/** Rows a sample has at most, and ms that looking takes at most. */
export interface InsightLimits {
  readonly profileRows: number
  readonly profileTime: number
}

/**
 * Looks into features one after the other, over a bounded sample of their newest rows. What was seen is kept for as long as nothing
 * was read into, or erased from, any view that it rests on.
 */
export function lookingInto({
  db,
  duck,
  segments,
  config,
}: {
  db: Database
  duck: Duck
  segments: SegmentStore
  config: InsightLimits
}): LookInto {
  const kept = new Map<string, Promise<Insight>>()
  let last: Promise<unknown> = Promise.resolve()

  const sample = async ({ view }: StoredView): Promise<Sampled> => {
    const newest = newestSegments(await segments.list(db, view.id), config.profileRows)
    await segments.fetch(newest)
    const revisions = await revisionsOf(db, view.id)
    return { view, segments: newest, fieldsOf: (revision) => new Set(Object.keys(revisions.get(revision)?.fields ?? {})) }
  }

  const driftIn = async (connection: DuckDBConnection, stored: StoredView, own: Sampled, field: NamedField) => {
    const rows = Math.ceil(config.profileRows / driftDays)
    const days = lastDays(await segments.list(db, stored.view.id), { days: driftDays, rows })
    if (!days) return null
    await segments.fetch(days.segments)
    return measureDrift(connection, { ...own, days }, field)
  }

  const look = async (stored: StoredView, field: NamedField, comparisons: readonly Comparison[]): Promise<Insight> => {
    const connection = await duck.connect()
    let late = false
    // Again and again, as it does nothing between two statements.
    const interrupt = () => {
      late = true
      connection.interrupt()
      timer = setTimeout(interrupt, 100)
    }
    let timer = setTimeout(interrupt, config.profileTime)
    try {
      const own = await sample(stored)
      const profile = await profileField(connection, own, field, config.profileRows)
      const drift = await driftIn(connection, stored, own, field)
      const near: (Similarity & { by: 'values' })[] = []
      for (const { other, fields } of comparisons) {
        const measured = await compareFields(connection, { ...own, field }, { ...(await sample(other)), fields }, comparedKeys)
        measured.forEach((each, index) => {
          if (isNear(each)) near.push({ feature: `${qualified(other.view)}:${fields[index]!.name}`, by: 'values', ...each })
        })
      }
      if (late) return { state: 'too-slow' }
      const compared = comparisons.reduce((sum, { fields }) => sum + fields.length, 0)
      return { state: 'measured', profile, drift, near: near.sort(byNearness), compared }
    } catch (error) {
      if (late) return { state: 'too-slow' }
      throw error
    } finally {
      clearTimeout(timer)
      connection.closeSync()
    }
  }

  return async (stored, field, all) => {
    if (stored.view.windows) return { state: 'windowed' }
    const comparisons = comparisonsOf(stored.view, field, all)
    const key = JSON.stringify([field.name, ...[stored, ...comparisons.map(({ other }) => other)].map(editionOf)])
    const known = kept.get(key)
    if (known) return known
    if (kept.size >= keptInsights) kept.delete(kept.keys().next().value!)
    const looked = last.then(() => look(stored, field, comparisons))
    last = looked.catch(() => {})
    kept.set(key, looked)
    // What failed, or took too long on a busy machine, is tried again.
    const found = await looked.catch((error: unknown) => {
      kept.delete(key)
      throw error
    })
    if (found.state === 'too-slow') kept.delete(key)
    return found
  }
}

const editionOf = ({ view, state }: StoredView) => [
  view.id,
  view.revision,
  state.watermark,
  state.accepted,
  state.deleted,
  state.erasures,
]

/** Some fields of a view that a field is compared with. */
interface Comparison {
  readonly other: StoredView
  readonly fields: readonly NamedField[]
}

function comparisonsOf(view: View, field: NamedField, all: readonly StoredView[]): Comparison[] {
  let left = comparedFields
  return all.flatMap((other) => {
    const fields = comparableOf(view, field, other.view).slice(0, left)
    left -= fields.length
    const starts = Array.from({ length: Math.ceil(fields.length / fieldsAtOnce) }, (_, index) => index * fieldsAtOnce)
    return starts.map((from) => ({ other, fields: fields.slice(from, from + fieldsAtOnce) }))
  })
}

/** The fields of a view that a field can be compared with: of a like type, where both have rows of the same key. */
function comparableOf(view: View, field: NamedField, other: View): NamedField[] {
  const keyOf = ({ entity }: View) => JSON.stringify(entity.map(({ name, type }) => [name, type]).sort())
  if (other.windows || keyOf(view) !== keyOf(other)) return []
  const naming = [...other.spec.entity, other.spec.eventTime.field]
  return other.fields.filter(
    ({ name, type }) =>
      !naming.includes(name) && isComparable(field.type, type) && !(other.id === view.id && name === field.name),
  )
}
