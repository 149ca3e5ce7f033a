import { entityErased } from '@cascata/events'
import { type Database, fact } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { erasureInvalid, onlineUnavailable, viewNotFound } from '../errors.ts'
import { type NamedField, qualified, type Value, type View } from '../feature-views/view.ts'
import { findView, lockView } from '../feature-views/views.store.ts'
import { encodeKey, isTooLong, maxKeyBytes } from '../ingest/entity-key.ts'
import { fieldReader, isFault } from '../ingest/validate-fields.ts'
import { iso } from '../ingest/validate-times.ts'
import { type Duck } from '../offline/duckdb.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { isTiled } from '../windows/restore-tiles.ts'
import { type TileStore } from '../windows/tile-store.ts'
import { addErasure, type Erasure } from './erasures.store.ts'
import { flaggedOf } from './flagged.ts'
import { asText, hashOfKey } from './late-rows.ts'
import { tombstonesOf } from './tombstones.ts'

export interface EraseParts {
  readonly db: Database
  readonly online: OnlineStore
  readonly tiles: TileStore
  readonly duck: Duck
  /** Where datasets lie. */
  readonly datasets: string
  readonly clock: Clock
  readonly log: Logger
  /** By when segments are rewritten, in ms. */
  readonly within: number
  /** Segments are to be rewritten. */
  readonly changed: () => void
}

/** Erases entities from views. */
export interface Eraser {
  /**
   * Takes an entity out of a view: gone from look-ups at once, and from `/rows` and every dataset to come; its segments are rewritten by
   * the deadline. Rows of it with an event time before now are ignored when they come late. Later ones are new.
   *
   * @throws FS_VIEW_NOT_FOUND, FS_ERASURE_INVALID, FS_ONLINE_UNAVAILABLE: then it is under way, and asking again does no harm.
   */
  erase(namespace: string, name: string, key: unknown, by: string): Promise<{ view: View; erasure: Erasure }>
}

export const eraser = (parts: EraseParts): Eraser => ({
  async erase(namespace, name, key, by) {
    const { db, online, clock, log } = parts
    const stored = await findView(db, namespace, name)
    if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
    const values = keyOf(stored.view, key)
    const entity = stored.view.entity.map((field, part) => [field.name, asText(field, values[part]!)] as const)
    const flagged = await flaggedOf({ db, duck: parts.duck, folder: parts.datasets }, stored.view, entity)
    const erasure = await db.transaction(async (tx) => {
      const locked = await lockView(tx, stored.view.id)
      if (!locked) throw viewNotFound({ view: `${namespace}/${name}` })
      const [erasedAt, keySha256] = [clock.now(), hashOfKey(values)]
      const deadline = erasedAt + parts.within
      const added = await addErasure(tx, stored.view.id, { entity, keySha256, erasedAt, deadline, by, flagged })
      const { revision } = locked.view
      const told = { namespace, view: name, revision, erasure: added.number, keySha256, by, deadline: iso(deadline) }
      await tx.publish(fact(entityErased, { ...told, datasets: [...flagged.datasets], versions: [...flagged.versions] }))
      return added
    })
    const takeOut = isTiled(stored.view)
      ? parts.tiles.erase(stored.view, encodeKey(values))
      : online.write(tombstonesOf(stored.view, [erasure]))
    await takeOut.catch((error: unknown) => {
      throw onlineUnavailable({}, { cause: error })
    })
    parts.changed()
    log.info(
      {
        audit: true,
        who: by,
        action: 'erase',
        view: qualified(stored.view),
        erasure: erasure.number,
        keySha256: erasure.keySha256,
      },
      'an entity was erased',
    )
    return { view: stored.view, erasure }
  },
})

function keyOf({ entity, spec }: View, key: unknown): Value[] {
  const given = typeof key === 'object' && key !== null && !Array.isArray(key) ? (key as Record<string, unknown>) : {}
  const fields = spec.entity.join(', ')
  if (Object.keys(given).length !== entity.length || !entity.every(({ name }) => Object.hasOwn(given, name)))
    throw erasureInvalid({ problem: `\`key\` has to be an object of exactly ${fields}` })
  const values = entity.map((field) => partOf(field, given[field.name], spec.eventTime.format))
  if (isTooLong(encodeKey(values))) throw erasureInvalid({ problem: `it is longer than ${maxKeyBytes} bytes` })
  return values
}

function partOf(field: NamedField, value: unknown, format: View['spec']['eventTime']['format']): Value {
  const stored = value === null || value === undefined ? undefined : fieldReader(field, format)(value)
  if (stored === undefined) throw erasureInvalid({ problem: `${field.name} is null` })
  if (isFault(stored)) throw erasureInvalid({ problem: `${field.name}: ${stored.message}` })
  return stored
}
