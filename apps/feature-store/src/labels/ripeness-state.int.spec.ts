import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { grid, happenings, minute, recordsOf, start, viewOracle, type ViewOracle } from '../datasets/a-stream.ts'
import { type ViewRows } from '../datasets/history-sql.ts'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { compileValidator } from '../ingest/validate-rows.ts'
import { openDuck } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { openRipeness } from './ripeness-state.ts'

const key = fc.constantFrom('F1', 'F2', 'F3', 'F4')
const flights = aView({
  id: 1,
  fields: { flight: 'string', publishedAt: 'timestamp', departsAt: { type: 'timestamp', nullable: true } },
})
const outcomes = aView({
  id: 2,
  name: 'outcomes',
  time: 'landedAt',
  fields: { flight: 'string', landedAt: 'timestamp', late: { type: 'bool', nullable: true } },
})
const departs = fc.option(
  grid(30).map((at) => new Date(start + at * minute).toISOString()),
  { nil: null },
)
const rule = { at: 'departsAt', lead: 24 * minute, labelField: 'late', within: 84 * minute }

/** What the counters have to say, the slow way. */
function slowly(seen: ViewOracle, landed: ViewOracle, cutoff: number) {
  const observed = seen.rows.flatMap((row) => {
    if (row.deleted || row.values['departsAt'] === null) return []
    const at = (row.values['departsAt'] as number) - rule.lead
    return row.availableAt <= at && at <= cutoff && seen.shown(row.key, at) === row ? [{ key: row.key, at }] : []
  })
  const labelled = observed.filter(({ key, at }) => {
    const label = landed.label(key, at, rule.within)
    return label && !label.deleted && label.values['late'] !== null
  })
  return { ripe: observed.length, labelled: labelled.length }
}

it('counts, at every step of a random stream, what the slow way counts', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cascata-ripeness-'))
  const duck = await openDuck({ folder, name: 'test', memory: 256 * 1024 ** 2, threads: 1 })
  const streams = fc.record({
    flights: happenings(fc.record({ flight: key, departsAt: departs }), fc.record({ flight: key })),
    outcomes: happenings(fc.record({ flight: key, late: fc.option(fc.boolean(), { nil: null }) }), fc.record({ flight: key })),
  })
  let id = 0
  const taker = async (view: View) => {
    const writer = await openSegmentWriter(duck, folder, view)
    const validator = compileValidator(view)
    const oracle = viewOracle(view)
    return {
      oracle,
      take: async (records: ReturnType<typeof recordsOf>): Promise<ViewRows> => {
        const { batch } = validator.take(records, Date.now())
        oracle.add(batch)
        const whole = batch.count === 0 ? [] : [{ path: join(folder, (await writer.write(batch, 0)).file), revision: 1 }]
        return { view, whole, cut: [], snapshot: [], fieldsOf: () => new Set(view.fields.map(({ name }) => name)) }
      },
    }
  }
  await fc.assert(
    fc.asyncProperty(streams, fc.array(grid(30), { minLength: 3, maxLength: 3 }), async (stream, cutoffs) => {
      const connection = await duck.connect()
      id += 1
      await connection.run(`attach '${folder}/state${id}.duckdb' as state${id}`)
      await connection.run(`use state${id}`)
      const state = await openRipeness(connection, rule)
      const [seen, landed] = [await taker(flights), await taker(outcomes)]
      const records = { flights: recordsOf(stream.flights, 'publishedAt'), outcomes: recordsOf(stream.outcomes, 'landedAt') }
      for (const [step, cutoffMinutes] of cutoffs.sort((a, b) => a - b).entries()) {
        const slice = <T>(all: T[]) => all.slice((all.length * step) / 3, (all.length * (step + 1)) / 3)
        const arrivals = {
          observations: await seen.take(slice(records.flights)),
          labels: await landed.take(slice(records.outcomes)),
          upTo: { observations: step + 1, labels: step + 2 },
          again: false,
        }
        const cutoff = start + cutoffMinutes * minute
        expect(await state.advance(arrivals, cutoff)).toEqual(slowly(seen.oracle, landed.oracle, cutoff))
        expect(await state.progress()).toEqual({ observations: step + 1, labels: step + 2 })
      }
      state.close()
    }),
    { numRuns: 40 },
  )
  duck.close()
  await rm(folder, { recursive: true, force: true })
})
