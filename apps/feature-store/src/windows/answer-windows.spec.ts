import { describe, expect, it } from 'vitest'
import { aView } from '../feature-views/a-view.ts'
import { type View } from '../feature-views/view.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { answerWindows } from './answer-windows.ts'
import { oldestTiles, partialsOf, runsOf } from './tile-runs.ts'
import { type EntityTiles } from './entity-tiles.ts'
import { tailOf } from './window-plan.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const midnight = Date.parse('2001-01-14T00:00:00Z')
const windows = (...lengths: string[]) =>
  lengths.map((name) => ({ name, ms: Number(name.slice(0, -1)) * { m: minute, h: hour, d: day }[name.at(-1)!]! }))

const viewWith = (...lengths: string[]): View =>
  aView({
    entity: ['airport'],
    time: 'landedAt',
    fields: { airport: 'string', landedAt: 'timestamp', delayMin: { type: 'double', nullable: true } },
    aggregations: {
      landings: { fn: 'count', windows: windows(...lengths) },
      delay: { fn: 'mean', of: 'delayMin', windows: windows(...lengths) },
    },
  })

/** Minutes after midnight, and delay. */
type Landing = readonly [at: number, delay: number | null]

const tilesOf = (view: View, landings: readonly Landing[]): EntityTiles => {
  const records = landings.map(([at, delayMin], offset): RawRecord => {
    const landedAt = new Date(midnight + at * minute).toISOString()
    const value = Buffer.from(JSON.stringify({ airport: 'ATL', landedAt, delayMin }))
    return { partition: 0, epoch: 0, offset, timestamp: midnight + day * 400, headers: {}, key: null, value }
  })
  const { batch } = compileValidator(view).take(records, Number.MAX_SAFE_INTEGER)
  const { runs } = runsOf(view.windows!, batch, oldestTiles(view.windows!, null))
  const tiles = runs.map((run) => ({
    level: run.tile!.level,
    tile: run.tile!.number,
    partials: partialsOf(view.windows!, batch, run),
  }))
  return { newest: Math.max(...batch.eventTimes), tiles }
}

/** By name, at minutes after midnight. */
const at = (view: View, landings: readonly Landing[], when: number) =>
  Object.fromEntries(
    answerWindows(view.windows!, view.windows!.features, tilesOf(view, landings), midnight + when * minute).map(
      (value, index) => [view.windows!.features[index]!.name, value],
    ),
  )

describe('the window by hand of docs/concepts/windows.md', () => {
  const view = viewWith('3h')
  const known: Landing[] = [
    [9 * 60 + 7, 10],
    [11 * 60 + 40, 20],
    [11 * 60 + 50, null],
    [12 * 60, 60],
  ]
  const late: Landing = [11 * 60 + 30, 6]
  it.each([
    ['12:04', known, 12 * 60 + 4, 4, 30],
    ['12:09', [...known, late], 12 * 60 + 9, 5, 24],
    ['12:10', [...known, late], 12 * 60 + 10, 4, 86 / 3],
    ['18:00', [...known, late], 18 * 60, 0, null],
  ] as const)('at %s', (_name, landings, when, count, mean) => {
    expect(at(view, landings, when)).toEqual({ landings_3h: count, delay_3h: mean })
  })
})

describe('the edge of a tail, which a row right before it is outside of and a row on it is within', () => {
  it.each([
    ['5m', 5 * minute, '12:03:00.000', '11:55:00.000'],
    ['11h', 11 * hour, '12:04:59.999', '01:00:00.000'],
    ['11h', 11 * hour, '12:05:00.000', '01:05:00.000'],
    ['12h', 12 * hour, '12:59:59.999', '00:00:00.000'],
    ['12h', 12 * hour, '13:00:00.000', '01:00:00.000'],
    ['11d', 11 * day, '13:59:59.999', '2001-01-03T13:00:00.000Z'],
    ['12d', 12 * day, '23:59:59.999', '2001-01-02T00:00:00.000Z'],
    ['12d', 12 * day, '2001-01-15T00:00:00.000Z', '2001-01-03T00:00:00.000Z'],
    ['30d', 30 * day, '12:00:00.000', '2000-12-15T00:00:00.000Z'],
  ])('%s (%d ms) at %s begins at %s', (name, window, asked, tail) => {
    const instant = (text: string) => Date.parse(text.includes('T') ? text : `2001-01-14T${text}Z`)
    const view = viewWith(name)
    const { hop } = view.windows!.levels[0]!
    expect(tailOf(instant(asked), window, hop) * hop).toBe(instant(tail))
    const minutes = (ms: number) => (ms - midnight) / minute
    const count = (ms: number) => at(view, [[minutes(ms), 1]], minutes(instant(asked)))[`landings_${name}`]
    expect([count(instant(tail)), count(instant(tail) - 1)]).toEqual([1, 0])
  })

  it('lies on the hop before 1970 too', () => {
    expect(tailOf(Date.parse('1969-12-31T23:58:00Z'), 5 * minute, 5 * minute) * 5 * minute).toBe(
      Date.parse('1969-12-31T23:50:00Z'),
    )
  })
})

it('leaves what begins after a time in the past out', () => {
  const landings: Landing[] = [
    [60, 1],
    [70, 3],
  ]
  expect(at(viewWith('3h'), landings, 64)).toEqual({ landings_3h: 1, delay_3h: 1 })
})
