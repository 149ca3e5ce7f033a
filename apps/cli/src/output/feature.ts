import { type Context } from '../context.ts'
import { showName } from '../names.ts'
import { type Graph, showGraph } from './graph.ts'
import { sparkline } from './sparkline.ts'
import { list } from './table.ts'
import { showNumber, showTime } from './words.ts'

/** A feature that is like another one. */
export interface Similar {
  feature: string
  by: 'definition' | 'values'
  agreement?: number | null
  correlation?: number | null
}

/** A feature as the catalogue tells of it. */
export interface Feature {
  namespace: string
  view: string
  name: string
  type: string
  owner: string
  tags: string[]
  description: string
  definition: { topic: string; field: string | null; fn: string | null }
  similar: Similar[]
}

/** A feature in a list. */
export type Listed = Feature & { uses: { models: number; versions: number } }

/** All that is told of a feature. */
export type Shown = Feature & {
  uses: { models: { model: string; as: string }[]; versions: string[]; versionCount: number }
  freshness: { objectiveMs: number | null; lagMs: number | null; lastRowAt: string | null }
  values: {
    state: string
    rows?: number
    nulls?: number
    numbers?: { mean: number; quantiles: Record<string, number> } | null
    top?: { value: string; count: number }[]
    drift?: { days: { day: string; rows: number; distance: number | null; noise: number | null }[] } | null
  }
  lineage: Graph
}

/** `view:feature`, with its namespace where it is not the default one. */
export const nameOf = ({ namespace, view, name }: Feature) => `${showName({ namespace, name: view })}:${name}`

/** Why a feature is taken for another one. */
export const told = ({ feature, by, agreement, correlation }: Similar): string =>
  by === 'definition'
    ? `${feature} (same definition)`
    : `${feature} (values: agreement ${showNumber(agreement)}, correlation ${showNumber(correlation)})`

/** Below this, drift is drawn as little: a tenth of what the distance can be. */
const littleDrift = 0.08

/** The distance of each day to the others, days without rows too. */
function drawn(drift: Shown['values']['drift']): string {
  if (!drift || drift.days.length === 0) return ''
  const byDay = new Map(drift.days.map((each) => [each.day, each]))
  const [first, last] = [drift.days[0]!.day, drift.days.at(-1)!.day]
  const days: string[] = []
  for (let day = Date.parse(first); day <= Date.parse(last); day += 86_400_000)
    days.push(new Date(day).toISOString().slice(0, 10))
  const line = sparkline(
    days.map((day) => byDay.get(day)?.distance),
    littleDrift,
  )
  const most = drift.days.reduce((one, other) => ((other.distance ?? 0) > (one.distance ?? 0) ? other : one))
  return `${line} ${first} – ${last}, most ${showNumber(most.distance)} on ${most.day} (by chance ${showNumber(most.noise)})`
}

/** A feature for people: what it is, how its values are, and where it comes from and goes to. */
export function showFeature(context: Context, found: Shown): string {
  const { type, owner, tags, description, definition, uses, values, similar, freshness, lineage } = found
  const lines = list(context, [
    ['feature', nameOf(found)],
    ['type', type],
    ['what', description],
    ['owner', owner],
    ['tags', tags.join(', ')],
    ['from', `${definition.topic}: ${[definition.fn, definition.field].filter(Boolean).join(' of ')}`],
    ['models', uses.models.map(({ model, as }) => `${model} (${as})`).join(', ')],
    [
      'versions',
      uses.versions.length < uses.versionCount
        ? `${uses.versionCount}, the newest: ${uses.versions.join(', ')}`
        : uses.versions.join(', '),
    ],
    ['last row', freshness.lastRowAt && showTime(freshness.lastRowAt)],
    ['values', values.state === 'measured' ? `${values.rows} rows, ${values.nulls} null` : values.state],
    [
      'quantiles',
      Object.entries(values.numbers?.quantiles ?? {})
        .map(([name, of]) => `${name} ${showNumber(of)}`)
        .join(', '),
    ],
    ['most often', (values.top ?? []).map(({ value, count }) => `${value} (${count})`).join(', ')],
    ['drift', drawn(values.drift)],
    ['similar', similar.map(told).join(', ')],
  ])
  return [lines, '', context.paint.dim('lineage'), showGraph(context, lineage)].join('\n')
}
