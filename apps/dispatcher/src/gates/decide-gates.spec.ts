import { describe, expect, it } from 'vitest'
import { decideGates, type GatePolicy } from './decide-gates.ts'
import { decideRefit, type RefitFigures } from './decide-refit.ts'
import { type ChampionFigures, type Figures, type MeasuredModel } from './figures.ts'

const policy: GatePolicy = {
  gates: {
    metric: 'auc',
    require: { auc: { op: '>=', value: 0.6 } },
    champion: { margin: 0.002, confidence: 0.95, minRows: 1_000 },
    fairness: [],
    latencyP99: 50,
    approval: 'auto',
  },
  inputs: [
    { name: 'v__a', type: 'double' },
    { name: 'v__b', type: 'string' },
  ],
  hasSteps: true,
  maxBytes: 1_000_000,
}
const rows = { rows: 4_000, rowsHash: 'a1', from: '2001-01-10T00:00:00.000Z', to: '2001-01-14T00:00:00.000Z' }
const measured: MeasuredModel = {
  is: 'measured',
  metrics: { auc: 0.71, logLoss: 0.5 },
  metric: { value: 0.71, interval: [0.7, 0.72] },
  overBaseline: { value: 0.21, interval: [0.2, 0.22] },
  unusable: 0,
  fairness: [],
  latencyMs: { p50: 0.02, p99: 0.1, rows: 300 },
  bytes: 120_000,
  golden: { rows: 100, worst: 1e-7, tolerance: 1e-5 },
  inputs: [...policy.inputs].reverse(),
  importance: [],
}
const compared = (lower: number, value: number, count = 2_000): ChampionFigures => ({
  version: '3',
  is: 'compared',
  rows: { ...rows, rows: count },
  candidate: 0.71,
  champion: 0.71 - value,
  improvement: { value, interval: [lower, value + 0.01] },
})

const given = (candidate: Partial<MeasuredModel> = {}, champion: ChampionFigures | null = null, holdout = rows) => ({
  when: (change: Partial<GatePolicy['gates']> = {}, more: Partial<GatePolicy> = {}) => {
    const figures: Figures = { holdout, candidate: { ...measured, ...candidate }, champion }
    return decideGates(figures, { ...policy, ...more, gates: { ...policy.gates, ...change } })
  },
})
const failed = (verdict: ReturnType<typeof decideGates>): string[] =>
  verdict.gates.filter(({ passed }) => !passed).map(({ gate }) => gate)

describe('a candidate', () => {
  it('that is the first needs its floors and to beat the trivial answer', () => {
    expect(given().when()).toMatchObject({ verdict: 'approved', comparison: 'first', why: null })
    expect(failed(given({ metrics: { auc: 0.59 } }).when())).toEqual(['floor auc'])
    expect(failed(given({ overBaseline: { value: 0.01, interval: [-0.001, 0.02] } }).when())).toEqual(['baseline'])
  })
  it('fails a floor of a metric that could not be measured', () => {
    expect(failed(given({ metrics: {} }).when())).toEqual(['floor auc'])
  })
  it('is refused with the words of the first gate that failed, and all gates in the evidence', () => {
    const verdict = given({ metrics: { auc: 0.541 }, latencyMs: { p50: 1, p99: 60, rows: 300 } }).when()
    expect(verdict.why).toBe('floor auc: 0.541 against >= 0.6')
    expect(failed(verdict)).toEqual(['floor auc', 'latency p99'])
    expect(verdict.gates.every((gate) => gate.rows === 4_000 && gate.rowsHash === 'a1')).toBe(true)
  })
  it('is refused when its file can not be loaded safely', () => {
    const verdict = decideGates(
      { holdout: rows, candidate: { is: 'refused', code: 'EXTERNAL_DATA', message: 'no' }, champion: null },
      policy,
    )
    expect(verdict).toMatchObject({ verdict: 'rejected', gates: [{ gate: 'model file', value: 'EXTERNAL_DATA' }] })
  })
  it.each([
    ['other inputs', { inputs: [{ name: 'v__a', type: 'double' }] }, 'inputs'],
    ['answers that are no numbers', { unusable: 1 }, 'finite answers'],
    ['golden rows that it does not repeat', { golden: { rows: 100, worst: 0.1, tolerance: 1e-5 } }, 'golden rows'],
    ['too large a file', { bytes: 1_000_001 }, 'size'],
    ['too slow an answer', { latencyMs: { p50: 1, p99: 50.1, rows: 300 } }, 'latency p99'],
  ])('is refused for %s', (_, change, gate) => {
    expect(failed(given(change).when())).toEqual([gate])
  })
})

describe('what JSON has turned into null', () => {
  const gone = null as unknown as number
  it('keeps no bound', () => {
    expect(failed(given({ golden: { rows: 1, worst: gone, tolerance: 1 } }).when())).toEqual(['golden rows'])
    expect(
      failed(given({ metrics: { auc: 0.7, logLoss: gone } }).when({ require: { logLoss: { op: '<=', value: 1 } } })),
    ).toEqual(['floor logLoss'])
    expect(failed(given({ overBaseline: { value: gone, interval: [gone, gone] } }).when())).toEqual(['baseline'])
    expect(given({}, compared(gone, 0.1)).when().comparison).toBe('failed')
  })
})

describe('the champion', () => {
  it('is not beaten but not lost against: non-inferior when the lower bound is above −margin', () => {
    expect(given({}, compared(-0.0019, 0.001)).when()).toMatchObject({ verdict: 'approved', comparison: 'passed' })
    expect(given({}, compared(-0.002, 0.001)).when()).toMatchObject({ verdict: 'rejected', comparison: 'failed' })
  })
  it('decides on min(minRows, half of the holdout) rows; fewer are inconclusive', () => {
    expect(given({}, compared(0.01, 0.02, 1_000)).when().comparison).toBe('passed')
    expect(given({}, compared(0.01, 0.02, 999)).when()).toMatchObject({ comparison: 'inconclusive', verdict: 'approved' })
    expect(given({}, compared(0.01, 0.02, 100), { ...rows, rows: 200 }).when().comparison).toBe('passed')
    expect(given({}, compared(0.01, 0.02, 99), { ...rows, rows: 200 }).when().comparison).toBe('inconclusive')
  })
  it('that can not be scored here is inconclusive, and without steps a refusal', () => {
    const champion: ChampionFigures = { version: '3', is: 'incomparable', reason: 'it reads other inputs', rows: 0 }
    expect(given({}, champion).when()).toMatchObject({ comparison: 'inconclusive', verdict: 'approved' })
    expect(given({}, champion).when({}, { hasSteps: false })).toMatchObject({ comparison: 'inconclusive', verdict: 'rejected' })
  })
  it('is not asked when its gate is off', () => {
    expect(given({}, compared(-1, -1)).when({ champion: null })).toMatchObject({ comparison: 'skipped', verdict: 'approved' })
  })
})

describe('fairness', () => {
  const rule = { by: 'v:b', equalOpportunity: { op: '<=', value: 0.1 } as const, minGroup: 200 }
  it('keeps its bound between groups', () => {
    const group = (value: number) =>
      given({ fairness: [{ by: 'v:b', value, groups: 4, largest: {} }] }).when({ fairness: [rule] })
    expect(group(0.1).verdict).toBe('approved')
    expect(failed(group(0.11))).toEqual(['fairness v:b'])
  })
  it('can not be shown without the groups', () => {
    expect(failed(given().when({ fairness: [rule] }))).toEqual(['fairness v:b'])
  })
})

describe('a refitted model', () => {
  const close: RefitFigures = {
    rows: 4_000,
    rowsHash: 'a1',
    candidate: 0.71,
    refit: 0.74,
    higherIsBetter: true,
    shift: 0.03,
    golden: { rows: 100, worst: 0, tolerance: 1e-5 },
    unusable: 0,
  }
  it('is sane when it is close to the candidate', () => {
    expect(decideRefit(close).sane).toBe(true)
    expect(decideRefit({ ...close, candidate: 0.5, refit: 0.45, higherIsBetter: false }).sane).toBe(true)
  })
  it('is not when it has become worse, answers otherwise, or breaks its golden rows', () => {
    expect(decideRefit({ ...close, refit: 0.67 }).sane).toBe(false)
    expect(decideRefit({ ...close, refit: 0.9, higherIsBetter: false }).sane).toBe(false)
    expect(decideRefit({ ...close, shift: 0.3 }).sane).toBe(false)
    expect(decideRefit({ ...close, unusable: 2 }).sane).toBe(false)
    expect(decideRefit({ ...close, golden: { rows: 100, worst: 1, tolerance: 1e-5 } }).sane).toBe(false)
  })
})
