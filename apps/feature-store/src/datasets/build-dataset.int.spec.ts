import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { aView } from '../feature-views/a-view.ts'
import { type Value, type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Duck, literal, openDuck, rowsOf } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { openOnlineStore, type OnlineStore } from '../online/online-store.ts'
import { readHeader, rowReader } from '../online/row-codec.ts'
import { grid, happenings, minute, recordsOf, start, viewOracle, type ViewOracle } from './a-stream.ts'
import { buildDataset, type BuildInput, datasetPath } from './build-dataset.ts'
import { decidePlan, type DatasetPlan } from './decide-plan.ts'
import { type ViewRows } from './history-sql.ts'

const key = fc.constantFrom('F1', 'F2', 'F3')
const place = fc.constantFrom('ATL', 'SFO')
const flights = aView({
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
const weather = aView({
  id: 2,
  name: 'weather',
  entity: ['origin'],
  time: 'seenAt',
  ttl: 60 * minute,
  fields: { origin: 'string', seenAt: 'timestamp', wind: 'double' },
})
const outcomes = aView({
  id: 3,
  name: 'outcomes',
  time: 'landedAt',
  ttl: minute,
  fields: { flight: 'string', landedAt: 'timestamp', late: { type: 'bool', nullable: true } },
})
const views = [flights, weather, outcomes]

const departs = fc.option(
  grid(30).map((at) => new Date(start + at * minute).toISOString()),
  { nil: null },
)
const streams = fc.record({
  flights: happenings(
    fc.record({
      flight: key,
      departsAt: departs,
      origin: fc.option(place, { nil: null }),
      gates: fc.option(fc.nat(9), { nil: null }),
    }),
    fc.record({ flight: key }),
  ),
  weather: happenings(
    fc.record({ origin: place, wind: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
    fc.record({ origin: place }),
  ),
  outcomes: happenings(fc.record({ flight: key, late: fc.option(fc.boolean(), { nil: null }) }), fc.record({ flight: key })),
})

const asked = {
  features: ['flights:origin', 'flights:gates', 'weather:wind'],
  request: {},
  label: { field: 'outcomes:late', within: 84 * minute, missing: 'drop' as const },
  spine: ['flight'],
  chain: ['flights'],
}

let folder: string
let duck: Duck
let online: OnlineStore
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-datasets-'))
  duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
})
afterAll(async () => {
  duck.close()
  await rm(folder, { recursive: true, force: true })
})

/** Takes streams into segments of a few rows, and into the oracles. */
async function ingest(records: Record<string, RawRecord[]>, batchRows: number) {
  const oracles = new Map<string, ViewOracle>()
  const rows = new Map<string, ViewRows>()
  for (const view of views) {
    const oracle = viewOracle(view)
    const writer = await openSegmentWriter(duck, folder, view)
    const validator = compileValidator(view)
    const whole = []
    const all = records[view.name]!
    for (let from = 0; from < all.length; from += batchRows) {
      const { batch, rejects } = validator.take(all.slice(from, from + batchRows), Date.now())
      expect(rejects).toEqual([])
      oracle.add(batch)
      const { file } = await writer.write(batch, Date.now())
      await online.write(batch)
      whole.push({ path: join(folder, file), revision: 1 })
    }
    writer.close()
    oracles.set(view.name, oracle)
    rows.set(view.name, { view, whole, cut: [], snapshot: [], fieldsOf: () => new Set(view.fields.map(({ name }) => name)) })
  }
  return { oracles, rows }
}

const build = async (input: Partial<BuildInput> & Pick<BuildInput, 'views'>, cutoff: number, lead: number) => {
  const plan = decidePlan(asked, new Map(views.map((view) => [view.name, view]))) as DatasetPlan
  expect(plan).not.toHaveProperty('problem')
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
function slowly(oracles: Map<string, ViewOracle>, cutoff: number, lead: number) {
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

const answerNow = async (view: View, keys: string[], now: number): Promise<(Record<string, Value> | undefined)[]> => {
  const { rows } = (await online.read([{ view, keys }]))[0]!
  const ordinals = view.fields.map((_, index) => index)
  return rows.map((row) => {
    if (!row) return undefined
    const { revision, eventTime } = readHeader(row)
    if (revision === 0 || (view.spec.ttl !== null && now - eventTime > view.spec.ttl)) return undefined
    const columns = ordinals.map((): Value[] => [])
    rowReader(view, ordinals).read(row, columns)
    return Object.fromEntries(columns.map(([value], index) => [view.fields[index]!.name, value!]))
  })
}

describe('random streams: late, corrected, duplicated, deleted, ahead of time, over two partitions', () => {
  it('give the same rows as the slow way, and online answers like the last instant offline', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        streams,
        fc.integer({ min: 1, max: 25 }),
        grid(5),
        grid(30),
        async (stream, batchRows, leadMinutes, cutoffMinutes) => {
          const { redis: url } = backing()
          online = openOnlineStore({ url, prefix: `${uniqueName('fs')}:`, onError: () => {} })
          try {
            const records = {
              flights: recordsOf(stream.flights, 'publishedAt'),
              weather: recordsOf(stream.weather, 'seenAt'),
              outcomes: recordsOf(stream.outcomes, 'landedAt'),
            }
            const { oracles, rows } = await ingest(records, batchRows)
            const [cutoff, lead] = [start + cutoffMinutes * minute, leadMinutes * minute]
            const { built, rows: found } = await build({ views: rows }, cutoff, lead)
            expect(found).toEqual(slowly(oracles, cutoff, lead))

            const other = await ingest({ ...records, flights: records.flights }, 40)
            const again = await build({ views: other.rows }, cutoff, lead)
            expect(again.built.hash).toBe(built.hash)

            const now = start + 250 * minute
            for (const view of [flights, weather]) {
              const keys = view === flights ? ['F1', 'F2', 'F3', 'F9'] : ['ATL', 'SFO']
              const answers = await answerNow(view, keys, now)
              expect(answers).toEqual(keys.map((each) => oracles.get(view.name)!.answer(each, now)?.values))
            }
          } finally {
            await online.close()
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})
