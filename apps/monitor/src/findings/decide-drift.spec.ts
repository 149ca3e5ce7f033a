import { profileColumn, seededRandom } from '@cascata/statistics'
import { describe, expect, it } from 'vitest'
import { type FeatureMeasure, measureWindow } from '../windows/measure-window.ts'
import { type Reference, summarise } from '../windows/window.ts'
import { decideDrift, type MeasuredWindow } from './decide-drift.ts'

const policy = { size: 0.1, share: 0.3, persist: { hits: 2, of: 3 }, minRows: 500 }

const feature = (name: string, effect: number, weight: number): FeatureMeasure => ({
  name,
  measure: 'wasserstein-normed',
  size: effect,
  noise: 0,
  effect,
  weight,
  rows: 1000,
  nullRate: 0,
  referenceNullRate: 0,
  outside: 0,
  referenceOutside: 0,
})

/** A window in which inputs of the given total weight drift. */
const window = (share: number, rows = 1000, day = 0): MeasuredWindow => ({
  from: day,
  to: day + 1,
  rows,
  features: [feature('drifting', 0.4, share), feature('steady', 0.01, 1 - share)],
})

describe('drift', () => {
  it('opens when it is there in two of the last three windows', () => {
    const judged = decideDrift([window(0.5), window(0), window(0.5)], policy)
    expect(judged).toMatchObject({
      is: 'bad',
      size: 0.5,
      threshold: 0.3,
      features: [{ name: 'drifting', size: 0.4, importance: 0.5 }],
    })
    expect(judged).toHaveProperty('windows.length', 3)
  })
  it('says nothing after one drifting window', () => expect(decideDrift([window(0), window(0.5)], policy).is).toBe('unknown'))
  it('is over when the newest window is good and the last ones are not bad together', () => {
    expect(decideDrift([window(0.5), window(0.5), window(0)], policy).is).toBe('bad')
    expect(decideDrift([window(0.5), window(0), window(0)], policy).is).toBe('good')
  })
  it('weighs inputs by importance', () => {
    expect(decideDrift([window(0.29), window(0.29), window(0.29)], policy).is).toBe('good')
    expect(decideDrift([window(0.3), window(0.3)], policy).is).toBe('bad')
  })
  it('does not count windows of few rows, nor versions without a profile', () => {
    expect(decideDrift([window(0.5, 499), window(0.5, 499)], policy).is).toBe('unknown')
    expect(decideDrift([window(0.5), window(0, 10), window(0.5)], policy).is).toBe('bad')
    expect(decideDrift([{ ...window(0.5), features: [] }], policy).is).toBe('unknown')
    expect(decideDrift([], policy).is).toBe('unknown')
  })
})

describe('drift of real columns', () => {
  const random = seededRandom('drift')
  const airport = () => `A${Math.floor(250 * random.next() ** 2)}`
  const row = (km: number) => ({ origin: airport(), distance: Math.exp(6 + 0.7 * random.normal()) * km })
  const rows = (n: number, km = 1) => Array.from({ length: n }, () => row(km))
  const training = rows(20_000)
  const reference: Reference = {
    columns: {
      origin: profileColumn(training.map(({ origin }) => origin)),
      distance: profileColumn(training.map(({ distance }) => distance)),
    },
    importance: { origin: 0.4, distance: 0.6 },
    scores: null,
  }
  const day = (n: number, km: number, from: number): MeasuredWindow => {
    const summary = summarise(
      rows(n, km).map((features) => ({ features, output: 1 })),
      'binary',
      reference,
    )
    return { from, to: from + 1, rows: n, features: measureWindow(summary, reference) }
  }

  it('is quiet over a hundred days of five hundred rows, although there are 250 airports', () => {
    const days = Array.from({ length: 100 }, (_, at) => day(500, 1, at))
    const alarms = days.filter((_, at) => decideDrift(days.slice(0, at + 1), policy).is === 'bad')
    expect(alarms).toHaveLength(0)
  })
  it('sees miles become kilometres on the second day', () => {
    const days = [day(500, 1, 0), day(500, 1, 1), day(500, 1.609, 2), day(500, 1.609, 3)]
    expect(decideDrift(days.slice(0, 3), policy).is).toBe('unknown')
    expect(decideDrift(days, policy)).toMatchObject({
      is: 'bad',
      features: [{ name: 'distance', measure: 'wasserstein-normed' }],
    })
  })
})
