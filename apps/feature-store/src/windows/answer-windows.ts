import { type Value } from '../feature-views/view.ts'
import { aggregateOf, mergePartial, noPartial, type Partial } from './partials.ts'
import { type EntityTiles } from './entity-tiles.ts'
import { tailOf, tileOf, type WindowFeature, type WindowPlan } from './window-plan.ts'

/**
 * The aggregates of an entity at `now`: tiles from the tail of each window, which lies on the hop, up to the one of `now`.
 *
 * The store holds what is known, so what lies in the last tile is never later than the clock. For a `now` in the past the window ends
 * with the tile that holds it: time is moved, not travelled in.
 *
 * @param features Those wanted, in this order.
 */
export function answerWindows(
  plan: WindowPlan,
  features: readonly WindowFeature[],
  { tiles }: EntityTiles,
  now: number,
): Value[] {
  const merged = new Map<string, Partial>()
  return features.map(({ fn, level, slot, window }) => {
    const name = `${level}.${slot}.${window}`
    const partial = merged.get(name) ?? mergeWindow(plan, tiles, { level, slot, window }, now)
    merged.set(name, partial)
    return aggregateOf(fn, partial)
  })
}

function mergeWindow(
  { levels }: WindowPlan,
  tiles: EntityTiles['tiles'],
  { level, slot, window }: Pick<WindowFeature, 'level' | 'slot' | 'window'>,
  now: number,
): Partial {
  const { hop, slots } = levels[level]!
  const [first, last] = [tailOf(now, window, hop), tileOf(now, hop)]
  const partial = noPartial()
  for (const each of tiles) {
    if (each.level === level && each.tile >= first && each.tile <= last) mergePartial(slots[slot]!, partial, each.partials[slot]!)
  }
  return partial
}
