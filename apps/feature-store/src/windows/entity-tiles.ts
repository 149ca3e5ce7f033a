import { type Partial } from './partials.ts'
import { newestField, readTile, tileOfField } from './tile-codec.ts'
import { type Level, type WindowPlan } from './window-plan.ts'

/** Everything that is held of an entity. */
export interface EntityTiles {
  /** Event time of its newest row, Unix ms. */
  readonly newest: number
  readonly tiles: readonly { readonly level: number; readonly tile: number; readonly partials: readonly Partial[] }[]
}

/** What a hash of the store holds; null of an entity never seen. @param hash Fields and values in turn. */
export function entityOf({ levels }: WindowPlan, hash: readonly Buffer[]): EntityTiles | null {
  let newest: number | null = null
  const tiles: HeldTile[] = []
  for (let at = 0; at < hash.length; at += 2) {
    const [field, value] = [hash[at]!.toString('latin1'), hash[at + 1]!]
    const place = tileOfField(field)
    const level = place && levels[place.level]
    if (level) tiles.push(new HeldTile(place.level, place.tile, level, value))
    else if (field === newestField) newest = value.readDoubleBE(0)
  }
  return newest === null ? null : { newest, tiles }
}

/** A tile as it lies in the store, which is read only when a window reaches it. */
class HeldTile {
  readonly level: number
  readonly tile: number
  readonly #plan: Level
  readonly #bytes: Buffer
  constructor(level: number, tile: number, plan: Level, bytes: Buffer) {
    this.level = level
    this.tile = tile
    this.#plan = plan
    this.#bytes = bytes
  }
  #partials: readonly Partial[] | undefined
  get partials(): readonly Partial[] {
    return (this.#partials ??= readTile(this.#plan, this.#bytes))
  }
}
