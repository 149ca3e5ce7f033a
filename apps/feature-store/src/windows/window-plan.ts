import { aggregateName, type Aggregation, type FeatureViewSpec, type FieldType, hopOf } from '@cascata/resources'

/** What a tile keeps of one field, or of its rows: a count always, the rest as aggregates need it. */
export interface Slot {
  /** Null: of the rows. */
  readonly field: string | null
  readonly type: FieldType | null
  readonly sum: boolean
  /** Mean and sum of squared deviations. */
  readonly spread: boolean
  readonly min: boolean
  readonly max: boolean
  readonly last: boolean
}

/** The tiles of one hop. Durations in ms. */
export interface Level {
  readonly hop: number
  /** The longest window that is made of them. */
  readonly longest: number
  readonly slots: readonly Slot[]
}

/** One aggregate that is served. */
export interface WindowFeature {
  readonly name: string
  readonly type: FieldType
  readonly fn: Aggregation['fn']
  readonly window: number
  /** Indices into the levels, and the slots of that level. */
  readonly level: number
  readonly slot: number
}

/** How the aggregates of a view are made: which tiles, and what of them. */
export interface WindowPlan {
  readonly levels: readonly Level[]
  readonly features: readonly WindowFeature[]
  readonly longest: number
}

type NeedsOf = Pick<Slot, 'sum' | 'spread' | 'min' | 'max' | 'last'>

const needs: Record<Aggregation['fn'], Partial<NeedsOf>> = {
  count: {},
  sum: { sum: true },
  mean: { sum: true },
  stddev: { spread: true },
  min: { min: true },
  max: { max: true },
  last: { last: true },
}

/** The type of an aggregate: a count is an int, min, max and last are as their field, all else is a double. */
const typeOf = (fn: Aggregation['fn'], input: FieldType | null): FieldType =>
  fn === 'count' ? 'int' : (fn === 'min' || fn === 'max' || fn === 'last') && input ? input : 'double'

interface Demand {
  readonly name: string
  readonly fn: Aggregation['fn']
  readonly field: string | null
  readonly window: number
  readonly hop: number
}

/** Plans the tiles of a view's aggregations; null when it has none. The same for the same aggregations in any order. */
export function windowPlan({ aggregations, fields }: Pick<FeatureViewSpec, 'aggregations' | 'fields'>): WindowPlan | null {
  const demands = Object.entries(aggregations)
    .flatMap(([name, { fn, of, windows }]) =>
      windows.map((window): Demand => ({
        name: aggregateName(name, window),
        fn,
        field: of ?? null,
        window: window.ms,
        hop: hopOf(window.ms),
      })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  if (demands.length === 0) return null
  const levels = [...Map.groupBy(demands, ({ hop }) => hop)]
    .sort(([a], [b]) => a - b)
    .map(([hop, own]): Level => ({ hop, longest: Math.max(...own.map(({ window }) => window)), slots: slotsOf(own, fields) }))
  const features = demands.map(({ name, fn, field, window, hop }): WindowFeature => {
    const level = levels.findIndex((each) => each.hop === hop)
    const slot = levels[level]!.slots.findIndex((each) => each.field === field)
    return { name, type: typeOf(fn, field === null ? null : fields[field]!.type), fn, window, level, slot }
  })
  return { levels, features, longest: Math.max(...levels.map(({ longest }) => longest)) }
}

function slotsOf(demands: readonly Demand[], fields: FeatureViewSpec['fields']): Slot[] {
  return [...Map.groupBy(demands, ({ field }) => field)]
    .sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1))
    .map(([field, own]) => ({
      field,
      type: field === null ? null : fields[field]!.type,
      sum: false,
      spread: false,
      min: false,
      max: false,
      last: false,
      ...Object.assign({}, ...own.map(({ fn }) => needs[fn])),
    }))
}

/** The tile that an instant falls into, counted from 1970. */
export const tileOf = (ms: number, hop: number): number => Math.floor(ms / hop)

/** The first tile of a window that ends at `at`: its tail, on the hop. */
export const tailOf = (at: number, window: number, hop: number): number => tileOf(at - window, hop)

/** What decides how tiles look: when it changes, they are built anew. */
export const planIdentity = (spec: Pick<FeatureViewSpec, 'aggregations' | 'fields' | 'entity'>): string =>
  JSON.stringify([spec.entity, windowPlan(spec)?.levels ?? null])
