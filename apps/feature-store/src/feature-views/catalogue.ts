import { type Database } from '@cascata/messaging'
import { viewNotFound } from '../errors.ts'
import { fieldReader, type FieldReader } from '../ingest/validate-fields.ts'
import { type RowDecoder, rowDecoder } from '../online/row-codec.ts'
import { qualified, type Value, type View, viewOf } from './view.ts'
import { findView, revisionsOf, type StoredView } from './views.store.ts'

/** A view as look-ups use it: compiled once a revision. */
export interface ServedView {
  readonly view: View
  readonly ordinalOf: ReadonlyMap<string, number>
  /** A reader for each field of the entity. */
  readonly keyReaders: readonly FieldReader[]
  /** By the revision that encoded a row; null while it was not asked for. */
  readonly decoders: Map<number, RevisionDecoder>
}

/** Reads rows of an older revision as rows of the present one. */
interface RevisionDecoder {
  readonly decoder: RowDecoder
  /** Ordinal in the old revision by ordinal in the present one; undefined for a field that is new. */
  readonly ordinals: readonly (number | undefined)[] | null
}

/** The views by name, looked up in memory. */
export interface Catalogue {
  /** @throws FS_VIEW_NOT_FOUND */
  get(namespace: string, name: string): Promise<ServedView>
  /** The values of some fields (ordinals ascending) of a row that a revision encoded. Synchronous but for a revision never met. */
  decode(
    served: ServedView,
    revision: number,
    row: Buffer,
    ordinals: readonly number[],
  ): (Value | undefined)[] | Promise<(Value | undefined)[]>
  /** Takes all views over as they are now. */
  take(views: readonly StoredView[]): void
}

const serve = (view: View): ServedView => ({
  view,
  ordinalOf: new Map(view.fields.map(({ name }, ordinal) => [name, ordinal])),
  keyReaders: view.entity.map((field) => fieldReader(field, view.spec.eventTime.format)),
  decoders: new Map([[view.revision, { decoder: rowDecoder(view), ordinals: null }]]),
})

export function viewCatalogue(db: Database): Catalogue {
  let views = new Map<string, ServedView>()

  const serveView = (view: View): ServedView => {
    const known = views.get(qualified(view))
    if (known?.view.id === view.id && known.view.revision === view.revision) return known
    const served = serve(view)
    views.set(qualified(view), served)
    return served
  }

  const older = async (served: ServedView, revision: number): Promise<RevisionDecoder> => {
    const { id, namespace, name } = served.view
    const spec = (await revisionsOf(db, id)).get(revision)
    if (!spec) throw new Error(`A row of ${qualified(served.view)} was encoded under revision ${revision}, which is unknown.`)
    const old = viewOf({ id, namespace, name, revision }, spec)
    const at = new Map(old.fields.map((field, ordinal) => [field.name, ordinal]))
    const found = { decoder: rowDecoder(old), ordinals: served.view.fields.map((field) => at.get(field.name)) }
    served.decoders.set(revision, found)
    return found
  }

  return {
    async get(namespace, name) {
      const known = views.get(`${namespace}/${name}`)
      if (known) return known
      const stored = await findView(db, namespace, name)
      if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
      return serveView(stored.view)
    },
    decode(served, revision, row, ordinals) {
      const known = served.decoders.get(revision)
      return known ? decodeBy(known, row, ordinals) : older(served, revision).then((found) => decodeBy(found, row, ordinals))
    },
    take(stored) {
      const present = new Set(stored.map(({ view }) => qualified(view)))
      views = new Map([...views].filter(([name]) => present.has(name)))
      for (const { view } of stored) serveView(view)
    },
  }
}

function decodeBy(
  { decoder, ordinals: mapping }: RevisionDecoder,
  row: Buffer,
  ordinals: readonly number[],
): (Value | undefined)[] {
  if (!mapping) return decoder.decode(row, ordinals)
  const wanted = ordinals.map((ordinal) => mapping[ordinal])
  const known = [...new Set(wanted.filter((ordinal) => ordinal !== undefined))].sort((a, b) => a - b)
  const values = decoder.decode(row, known)
  return wanted.map((ordinal) => (ordinal === undefined ? undefined : values[known.indexOf(ordinal)]))
}
