import { describe, expect, it } from 'vitest'
import { decideFairness } from './decide-fairness.ts'
import { decideFindings, type Judged } from './decide-findings.ts'
import { decidePerformance, type RealisedWindow } from './decide-performance.ts'
import { decideSkew } from './decide-skew.ts'
import { decideStale } from './decide-stale.ts'
import { type Judgement } from './judgement.ts'

const span = { from: 0, to: 1, rows: 2000 }

describe('performance', () => {
  const policy = { drop: 0.05, minLabels: 500 }
  const window = (value: number, more: Partial<RealisedWindow> = {}): RealisedWindow => ({
    ...span,
    metric: 'auc',
    higherIsBetter: true,
    value,
    interval: [value - 0.02, value + 0.02],
    labelled: 1000,
    ...more,
  })
  it('is bad when the metric fell by the share, and not by chance', () => {
    expect(decidePerformance([window(0.66)], 0.7, policy)).toMatchObject({
      is: 'bad',
      size: expect.closeTo(0.0571, 3),
      threshold: 0.05,
    })
    expect(decidePerformance([window(0.67)], 0.7, policy).is).toBe('good')
    expect(decidePerformance([window(0.66, { interval: [0.6, 0.72] })], 0.7, policy).is).toBe('good')
  })
  it('knows losses, which grow when they get worse', () => {
    const loss = (value: number) => window(value, { metric: 'rmse', higherIsBetter: false, interval: [value - 0.1, value + 0.1] })
    expect(decidePerformance([loss(11)], 10, policy).is).toBe('bad')
    expect(decidePerformance([loss(9)], 10, policy).is).toBe('good')
  })
  it('needs labels, and something to compare with', () => {
    expect(decidePerformance([window(0.5, { labelled: 499 })], 0.7, policy).is).toBe('unknown')
    expect(decidePerformance([], 0.7, policy).is).toBe('unknown')
    expect(decidePerformance([window(0.6)], null, policy).is).toBe('unknown')
  })
})

describe('fairness', () => {
  const rule = { by: 'flights__carrier', equalOpportunity: 0.1, minGroup: 200 }
  const group = (rate: number, positives: number) => ({ tp: rate * positives, fn: (1 - rate) * positives, fp: 0, tn: positives })
  const window = (a: number, b: number, positives = 1000) => ({
    ...span,
    groups: { flights__carrier: { AA: group(a, positives), DL: group(b, positives) } },
  })
  it('is bad when true positive rates lie apart by more than the bound and two standard errors', () => {
    expect(decideFairness([window(0.8, 0.6)], [rule], 3)).toMatchObject({
      is: 'bad',
      size: expect.closeTo(0.2),
      features: [{ name: 'flights__carrier' }],
    })
    expect(decideFairness([window(0.8, 0.75)], [rule], 3).is).toBe('good')
    expect(decideFairness([window(0.7, 0.58, 120)], [rule], 3).is).toBe('good')
  })
  it('adds windows up', () =>
    expect(decideFairness([window(0.75, 0.55, 120), window(0.75, 0.55, 120), window(0.75, 0.55, 120)], [rule], 3).is).toBe('bad'))
  it('says nothing without two groups of enough rows', () => {
    expect(decideFairness([window(0.8, 0.6, 50)], [rule], 3).is).toBe('unknown')
    expect(decideFairness([], [rule], 3).is).toBe('unknown')
  })
})

describe('skew', () => {
  const window = (different: number, compared = 1000) => ({ ...span, skew: { flights__distance: { compared, different } } })
  it('is bad when more than one value in a hundred differs', () => {
    expect(decideSkew([window(30)], 500)).toMatchObject({
      is: 'bad',
      size: 0.03,
      features: [{ anomaly: 'SCHEMA_TRAINING_SERVING_SKEW' }],
    })
    expect(decideSkew([window(5)], 500).is).toBe('good')
    expect(decideSkew([window(30), window(0)], 500).is).toBe('good')
    expect(decideSkew([window(400, 499)], 500).is).toBe('unknown')
  })
})

describe('staleness', () => {
  const day = 86_400_000
  it('is in data time, between what was learned and what could be', () => {
    expect(decideStale({ learned: 0, ripe: 31 * day }, 30 * day)).toMatchObject({
      is: 'bad',
      size: 31 * 86_400,
      threshold: 30 * 86_400,
    })
    expect(decideStale({ learned: 0, ripe: 30 * day }, 30 * day).is).toBe('good')
    expect(decideStale({ learned: 0, ripe: 31 * day }, null).is).toBe('unknown')
    expect(decideStale({ learned: null, ripe: 31 * day }, 30 * day).is).toBe('unknown')
  })
})

describe('episodes', () => {
  const bad: Judgement = { is: 'bad', measure: 'drift-share', size: 0.5, threshold: 0.3, windows: [], features: [], evidence: {} }
  const good: Judgement = { is: 'good', measure: 'drift-share', size: 0, threshold: 0.3 }
  const drift = (judgement: Judgement, version = '4'): Judged => ({ version, type: 'drift', judgement })
  const open = { finding: 'f1', type: 'drift', version: '4' }

  it('are opened once', () => {
    expect(decideFindings([], [drift(bad)], ['4']).open).toHaveLength(1)
    expect(decideFindings([open], [drift(bad)], ['4'])).toEqual({ open: [], close: [] })
  })
  it('are closed by recovery, and not by silence', () => {
    expect(decideFindings([open], [drift(good)], ['4']).close).toEqual([{ finding: 'f1', reason: 'recovered', size: 0 }])
    expect(decideFindings([open], [drift({ is: 'unknown' })], ['4']).close).toEqual([])
  })
  it('end when their version serves no more; the next version has its own', () => {
    const changes = decideFindings([open], [drift(bad, '5')], ['5'])
    expect(changes.close).toEqual([{ finding: 'f1', reason: 'no longer serves', size: null }])
    expect(changes.open).toMatchObject([{ version: '5' }])
    expect(decideFindings([], [drift(bad, '4')], ['5']).open).toEqual([])
  })
})
