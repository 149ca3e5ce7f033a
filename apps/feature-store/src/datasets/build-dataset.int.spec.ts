import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { type Value, type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Duck, openDuck } from '../offline/duckdb.ts'
import { openSegmentWriter } from '../offline/segment-writer.ts'
import { openOnlineStore, type OnlineStore } from '../online/online-store.ts'
import { readHeader, rowReader } from '../online/row-codec.ts'
import { buildAsked, flights, slowly, streamsOf, views, weather } from './a-cascade.ts'
import { grid, minute, recordsOf, start, viewOracle, type ViewOracle } from './a-stream.ts'
import { type ViewRows } from './history-sql.ts'

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
        streamsOf(),
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
            const { built, rows: found } = await buildAsked({ duck, folder }, { views: rows }, cutoff, lead)
            expect(found).toEqual(slowly(oracles, cutoff, lead))

            const other = await ingest({ ...records, flights: records.flights }, 40)
            const again = await buildAsked({ duck, folder }, { views: other.rows }, cutoff, lead)
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
