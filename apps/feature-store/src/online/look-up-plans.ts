import { parseReference } from '@cascata/resources'
import { entityMissing, featureNotFound } from '../errors.ts'
import { type Catalogue, type RowLayout, type ServedView } from '../feature-views/catalogue.ts'
import { qualified, type Value } from '../feature-views/view.ts'
import { type RowReader, rowReader } from './row-codec.ts'

/** Where a part of a view's key comes from. */
export type KeyPart =
  | { readonly from: 'entities'; readonly name: string }
  /** A field of a view of the same request; `column` is its place among the fields read of that view. */
  | { readonly from: 'view'; readonly view: PlannedView; readonly column: number }

/** What a look-up wants of one view. */
export interface PlannedView {
  readonly served: ServedView
  readonly key: readonly KeyPart[]
  /** Of a key that comes with the request as a whole: the same for views that read it alike. */
  readonly givenKey: string | null
  /** Reads with the same step go in one round trip; a step needs what the ones before it found. */
  readonly step: number
  /** Ordinals of the fields that are read, ascending. */
  readonly ordinals: readonly number[]
  /** By field that is read: its place in the request, null for one that is only a key of another view. */
  readonly places: readonly (number | null)[]
  /** By the revision that encoded a row. */
  readonly readers: Map<number, RowReader>
}

/** Plans kept, at most, and how long the features of one may be together. */
const keptPlans = 500
const keptLength = 32_768

/**
 * Resolves look-ups: which views they read, in which order, by which keys. The same features by the same entities once, for as long
 * as the views stay as they are.
 *
 * @throws FS_VIEW_NOT_FOUND, FS_FEATURE_NOT_FOUND, FS_ENTITY_MISSING
 */
export function lookUpPlans(catalogue: Catalogue) {
  const known = new Map<string, { edition: number; views: readonly PlannedView[] }>()

  return async (namespace: string, features: readonly string[], entities: readonly string[]): Promise<readonly PlannedView[]> => {
    const key = `${namespace} ${entities.join(' ')} ${features.join(' ')}`
    const found = known.get(key)
    if (found?.edition === catalogue.edition) return found.views
    const views = planViews(await wantedViews(catalogue, namespace, features), new Set(entities))
    if (key.length <= keptLength) {
      if (known.size >= keptPlans) known.delete(known.keys().next().value!)
      known.set(key, { edition: catalogue.edition, views })
    }
    return views
  }
}

interface WantedView {
  readonly served: ServedView
  /** Places in the request by ordinal. */
  readonly places: Map<number, number | null>
}

async function wantedViews(catalogue: Catalogue, namespace: string, features: readonly string[]): Promise<WantedView[]> {
  const wanted = new Map<string, WantedView>()
  for (const [place, feature] of features.entries()) {
    const { view: name, field } = parseReference(feature)
    const served = await catalogue.get(namespace, name)
    const ordinal = served.ordinalOf.get(field)
    if (ordinal === undefined) throw featureNotFound({ feature, known: served.view.served.map((each) => each.name) })
    const entry = wanted.get(name) ?? { served, places: new Map<number, number | null>() }
    wanted.set(name, entry)
    entry.places.set(ordinal, place)
  }
  return [...wanted.values()]
}

/** A part of a key that was not sent is the field of that name, and type, of a view whose own key is known without it. */
function planViews(wanted: readonly WantedView[], given: ReadonlySet<string>): PlannedView[] {
  const links = wanted.map(({ served: { view } }) =>
    view.entity.map(({ name, type }) => {
      if (given.has(name)) return null
      const source = wanted.find(
        ({ served: other }) =>
          other.view.entity.every((field) => given.has(field.name)) &&
          other.view.served.some((field) => field.name === name && field.type === type),
      )
      if (!source) throw entityMissing({ view: qualified(view), field: name })
      const ordinal = source.served.ordinalOf.get(name)!
      if (!source.places.has(ordinal)) source.places.set(ordinal, null)
      return { source, ordinal }
    }),
  )
  const planned = new Map<WantedView, PlannedView>()
  const plan = (index: number): void => {
    const each = wanted[index]!
    const key = links[index]!.map((link, part): KeyPart => {
      if (!link) return { from: 'entities', name: each.served.view.entity[part]!.name }
      const view = planned.get(link.source)!
      return { from: 'view', view, column: view.ordinals.indexOf(link.ordinal) }
    })
    const fields = [...each.places].sort(([a], [b]) => a - b)
    planned.set(each, {
      served: each.served,
      key,
      givenKey: key.some(({ from }) => from === 'view') ? null : readAlike(each.served.view),
      step: key.some(({ from }) => from === 'view') ? 1 : 0,
      ordinals: fields.map(([ordinal]) => ordinal),
      places: fields.map(([, place]) => place),
      readers: new Map(),
    })
  }
  const chained = (index: number) => links[index]!.some((link) => link !== null)
  for (const index of wanted.keys()) if (!chained(index)) plan(index)
  for (const index of wanted.keys()) if (chained(index)) plan(index)
  return [...planned.values()]
}

/** All that decides how the fields of a key are read. */
const readAlike = ({ entity, spec }: ServedView['view']): string => JSON.stringify([entity, spec.eventTime.format])

/** The reader of rows that a revision encoded: fields it did not know are null, integers that are doubles now become some. */
export function readerOf({ fields, ordinals: mapping, widened }: RowLayout, ordinals: readonly number[]): RowReader {
  if (!mapping) return rowReader({ fields }, ordinals)
  const all = ordinals.map((ordinal, column) => ({ column, ordinal: mapping[ordinal] }))
  const known = all.filter((each): each is { column: number; ordinal: number } => each.ordinal !== undefined)
  known.sort((a, b) => a.ordinal - b.ordinal)
  const wider = known.filter(({ column }) => widened.has(ordinals[column]!))
  const unknown = all.filter(({ ordinal }) => ordinal === undefined)
  const reader = rowReader(
    { fields },
    known.map(({ ordinal }) => ordinal),
  )
  return {
    read(row, columns: readonly Value[][]) {
      reader.read(
        row,
        known.map(({ column }) => columns[column]!),
      )
      for (const { column } of unknown) columns[column]!.push(null)
      for (const { column } of wider) {
        const values = columns[column]!
        if (typeof values.at(-1) === 'bigint') values.push(Number(values.pop()))
      }
    },
  }
}
