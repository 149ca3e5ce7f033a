import fc from 'fast-check'
import { aView } from '../feature-views/a-view.ts'
import { type Duck, literal, rowsOf } from '../offline/duckdb.ts'
import { grid, happenings, minute, start, type ViewOracle } from './a-stream.ts'
import { buildDataset, type BuildInput, datasetPath } from './build-dataset.ts'
import { decidePlan, type DatasetPlan } from './decide-plan.ts'

const key = fc.constantFrom('F1', 'F2', 'F3')
const place = fc.constantFrom('ATL', 'SFO')
/** Three views that belong together, made for tests with random streams. */
export const flights = aView({
  id: 1,
  ttl: 96 * minute,
  fields: {
    flight: 'string',
    publishedAt: 'timestamp',
    departsAt: { type: 'timestamp', nullable: true },
    origin: { type: 'string', nullable: true },
    gates: { type: 'int', nullable: true },
  },
})
export const weather = aView({
  id: 2,
  name: 'weather',
  entity: ['origin'],
  time: 'seenAt',
  ttl: 60 * minute,
  fields: { origin: 'string', seenAt: 'timestamp', wind: 'double' },
})
export const outcomes = aView({
  id: 3,
  name: 'outcomes',
  time: 'landedAt',
  ttl: minute,
  fields: { flight: 'string', landedAt: 'timestamp', late: { type: 'bool', nullable: true } },
})
export const views = [flights, weather, outcomes]

const departs = fc.option(
  grid(30).map((at) => new Date(start + at * minute).toISOString()),
  { nil: null },
)
/** Random streams of all of them. */
export const streamsOf = (more: Parameters<typeof happenings>[2] = {}) =>
  fc.record({
    flights: happenings(
      fc.record({
        flight: key,
        departsAt: departs,
        origin: fc.option(place, { nil: null }),
        gates: fc.option(fc.nat(9), { nil: null }),
      }),
      fc.record({ flight: key }),
      more,
    ),
    weather: happenings(
      fc.record({ origin: place, wind: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      fc.record({ origin: place }),
      more,
    ),
    outcomes: happenings(
      fc.record({ flight: key, late: fc.option(fc.boolean(), { nil: null }) }),
      fc.record({ flight: key }),
      more,
    ),
  })

export const asked = {
  features: ['flights:origin', 'flights:gates', 'weather:wind'],
  request: {},
  label: { field: 'outcomes:late', within: 84 * minute, missing: 'drop' as const },
  spine: ['flight'],
  chain: ['flights'],
}

/** Builds the dataset that is asked for of these views. */
export const buildAsked = async (
  { duck, folder }: { duck: Duck; folder: string },
  input: Partial<BuildInput> & Pick<BuildInput, 'views'>,
  cutoff: number,
  lead: number,
) => {
  const plan = decidePlan(asked, new Map(views.map((view) => [view.name, view]))) as DatasetPlan
  const built = await buildDataset(
    duck,
    folder,
    {
      plan,
      spine: { is: 'observations', rows: input.views.get('flights')!, at: 'departsAt', lead, history: null },
      cutoff,
      max: null,
      split: null,
      ...input,
    },
    async () => {},
  )
  const connection = await duck.connect()
  const rows = await rowsOf(
    connection,
    `select flight, epoch_ms("at")::DOUBLE as "at", flights__origin, flights__gates::DOUBLE as flights__gates, weather__wind, label from read_parquet(${literal(datasetPath(folder, built.hash))})`,
  )
  connection.closeSync()
  return { built, rows }
}

/** The same dataset, the slow way. */
export function slowly(oracles: Map<string, ViewOracle>, cutoff: number, lead: number) {
  const [seen, winds, landed] = ['flights', 'weather', 'outcomes'].map((name) => oracles.get(name)!) as [
    ViewOracle,
    ViewOracle,
    ViewOracle,
  ]
  return seen.rows
    .flatMap((row) => {
      if (row.deleted || row.values['departsAt'] === null) return []
      const at = (row.values['departsAt'] as number) - lead
      if (row.availableAt > at || seen.shown(row.key, at) !== row || at > cutoff) return []
      const own = seen.answer(row.key, at)
      const wind = own?.values['origin'] ? winds.answer(own.values['origin'] as string, at) : undefined
      const label = landed.label(row.key, at, asked.label.within)
      if (!label || label.deleted || label.values['late'] === null) return []
      return [
        {
          flight: row.key,
          at,
          flights__origin: own?.values['origin'] ?? null,
          flights__gates: own?.values['gates'] ?? null,
          weather__wind: wind?.values['wind'] ?? null,
          label: label.values['late'],
        },
      ]
    })
    .sort((a, b) => (a.flight < b.flight ? -1 : a.flight > b.flight ? 1 : a.at - b.at))
}
