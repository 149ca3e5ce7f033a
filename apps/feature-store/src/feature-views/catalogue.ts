import { type Database } from '@cascata/messaging'
import { viewNotFound } from '../errors.ts'
import { fieldReader, type FieldReader } from '../ingest/validate-fields.ts'
import { type NamedField, qualified, type View, viewOf } from './view.ts'
import { findView, revisionsOf, type StoredView } from './views.store.ts'

/** A view as look-ups use it: compiled once a revision. */
export interface ServedView {
  readonly view: View
  readonly ordinalOf: ReadonlyMap<string, number>
  /** A reader for each field of the entity. */
  readonly keyReaders: readonly FieldReader[]
  /** By the revision that encoded a row: those met so far. */
  readonly layouts: Map<number, RowLayout>
}

/** How rows of a revision lie, and which of its fields are those of the present one. */
export interface RowLayout {
  readonly fields: readonly NamedField[]
  /** Ordinal in that revision by ordinal in the present one, undefined for a field that is new; null: they are the same. */
  readonly ordinals: readonly (number | undefined)[] | null
  /** Ordinals in the present revision of fields that were 64-bit integers and are doubles now. */
  readonly widened: ReadonlySet<number>
}

/** The views by name, looked up in memory. */
export interface Catalogue {
  /** @throws FS_VIEW_NOT_FOUND */
  get(namespace: string, name: string): Promise<ServedView>
  /** How rows lie that a revision encoded; asked for once a revision, then it is in `served.layouts`. */
  layout(served: ServedView, revision: number): Promise<RowLayout>
  /** Counts the changes of what `get` answers: what was made of an answer holds for as long as it stays. */
  readonly edition: number
  /** Whether the view's online rows are written anew, as its key or its aggregates have changed. */
  isBuilding(view: Pick<View, 'id'>): boolean
  /** The generation of the view's online rows, as last seen. */
  generationOf(view: Pick<View, 'id'>): number
  /** Takes all views over as they are now. */
  take(views: readonly StoredView[]): void
}

const none: ReadonlySet<number> = new Set()

const serve = (view: View): ServedView => ({
  view,
  ordinalOf: new Map(view.served.map(({ name }, ordinal) => [name, ordinal])),
  keyReaders: view.entity.map((field) => fieldReader(field, view.spec.eventTime.format)),
  layouts: new Map([[view.revision, { fields: view.fields, ordinals: null, widened: none }]]),
})

export function viewCatalogue(db: Database): Catalogue {
  const views = new Map<string, ServedView>()
  const building = new Set<number>()
  const generations = new Map<number, number>()
  let edition = 0

  const serveView = ({ view, state }: StoredView): ServedView => {
    if (state.building) building.add(view.id)
    else building.delete(view.id)
    generations.set(view.id, state.onlineGeneration)
    const known = views.get(qualified(view))
    if (known?.view.id === view.id && known.view.revision === view.revision) return known
    const served = serve(view)
    views.set(qualified(view), served)
    edition += 1
    return served
  }

  return {
    async get(namespace, name) {
      const known = views.get(`${namespace}/${name}`)
      if (known) return known
      const stored = await findView(db, namespace, name)
      if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
      return serveView(stored)
    },
    async layout(served, revision) {
      const known = served.layouts.get(revision)
      if (known) return known
      const { id, namespace, name } = served.view
      const spec = (await revisionsOf(db, id)).get(revision)
      if (!spec) throw new Error(`A row of ${qualified(served.view)} was encoded under revision ${revision}, which is unknown.`)
      const { fields } = viewOf({ id, namespace, name, revision }, spec)
      const at = new Map(fields.map((field, ordinal) => [field.name, ordinal]))
      const ordinals = served.view.fields.map((field) => at.get(field.name))
      const widened = ordinals.flatMap((old, ordinal) =>
        old !== undefined && fields[old]!.type === 'int' && served.view.fields[ordinal]!.type === 'double' ? [ordinal] : [],
      )
      const found = { fields, ordinals, widened: new Set(widened) }
      served.layouts.set(revision, found)
      return found
    },
    isBuilding: ({ id }) => building.has(id),
    generationOf: ({ id }) => generations.get(id) ?? 0,
    get edition() {
      return edition
    },
    take(stored) {
      const present = new Set(stored.map(({ view }) => qualified(view)))
      const gone = [...views.keys()].filter((name) => !present.has(name))
      if (gone.length > 0) edition += 1
      for (const name of gone) views.delete(name)
      for (const each of stored) serveView(each)
    },
  }
}
