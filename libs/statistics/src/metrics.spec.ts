import { describe, expect, it } from 'vitest'
import golden from './__golden__/metrics.json' with { type: 'json' }
import { numeric, sequence } from './__golden__/data.ts'
import {
  alertBand,
  allMetrics,
  applyIsotonic,
  bootstrapDifference,
  bootstrapImprovement,
  bootstrapMetric,
  confusionByGroup,
  disparateImpact,
  estimatePerformance,
  fairness,
  fitCalibrator,
  fitIsotonic,
  importanceWeights,
  metricOf,
  permutationImportance,
  seededRandom,
} from './index.ts'

const n = 2000
const labels = sequence(5, n).map((value) => (value < 0.3 ? 1 : 0))
/** numpy rounds half to even; ties of the second digit are none here. */
const scores = sequence(9, n).map((value, i) =>
  Math.min(0.999, Math.max(0.001, Math.round((0.25 + 0.3 * labels[i]! + 0.5 * (value - 0.5)) * 100) / 100)),
)
const groups = [...sequence(13, n)].map((value) => `g${Math.floor(value * 3)}`)
const binary = { task: 'binary', labels, scores } as const

describe('against scikit-learn and Fairlearn', () => {
  it('binary', () => {
    for (const [metric, value] of Object.entries(allMetrics(binary)))
      expect(value, metric).toBeCloseTo(golden.binary[metric as keyof typeof golden.binary], 12)
    expect(Object.keys(allMetrics(binary)).sort()).toEqual(Object.keys(golden.binary).sort())
  })
  it('regression', () => {
    const target = numeric(21, n)
    const noise = sequence(23, n)
    const guess = target.map((value, i) => value + 0.2 * (noise[i]! - 0.5))
    for (const [metric, value] of Object.entries(allMetrics({ task: 'regression', labels: target, scores: guess })))
      expect(value, metric).toBeCloseTo(golden.regression[metric as 'rmse'], 12)
  })
  it('multiclass', () => {
    const classes = sequence(31, n).map((value) => Math.floor(value * 4))
    const raw = [0, 1, 2, 3].map((k) => sequence(41 + k, n).map((value, i) => value + (classes[i] === k ? 1 : 0)))
    const proba = Array.from(
      { length: n * 4 },
      (_, at) => raw[at % 4]![Math.floor(at / 4)]! / raw.reduce((sum, column) => sum + column[Math.floor(at / 4)]!, 0),
    )
    const scored = { task: 'multiclass', labels: classes, scores: proba, classes: 4 } as const
    expect(metricOf('accuracy', scored)).toBeCloseTo(golden.multiclass.accuracy, 12)
    expect(metricOf('logLoss', scored)).toBeCloseTo(golden.multiclass.logLoss, 12)
    expect(metricOf('macroF1', scored)).toBeCloseTo(golden.multiclass.macroF1, 12)
  })
  it('fairness', () => {
    const found = fairness(confusionByGroup(groups, labels, scores))
    for (const [measure, value] of Object.entries(golden.fairness))
      expect(found[measure as 'equalizedOdds'], measure).toBeCloseTo(value, 12)
  })
  it('isotonic regression', () => {
    const fitted = fitIsotonic(scores, labels)
    for (const [x, y] of golden.isotonic) expect(applyIsotonic(fitted, x!), `at ${x}`).toBeCloseTo(y!, 12)
  })
})

it('refuses a metric of another task, and leaves out what is not defined', () => {
  expect(() => metricOf('rmse', binary)).toThrow(RangeError)
  expect(allMetrics({ task: 'binary', labels: [1, 1], scores: [0.2, 0.9] })).not.toHaveProperty('auc')
})

it('leaves small groups and undefined rates out of fairness', () => {
  const counts = {
    a: { tp: 50, fn: 50, fp: 0, tn: 100 },
    b: { tp: 60, fn: 40, fp: 10, tn: 90 },
    c: { tp: 0, fn: 1, fp: 0, tn: 0 },
    d: { tp: 0, fn: 0, fp: 1, tn: 99 },
  }
  expect(fairness(counts, 100)).toMatchObject({ equalOpportunity: expect.closeTo(0.1), equalizedOdds: expect.closeTo(0.1) })
  expect(fairness({}).demographicParityRatio).toBe(1)
  expect(disparateImpact(counts.b, counts.a)).toBeCloseTo(1.4)
})

describe('bootstrap', () => {
  it('covers the true AUC about as often as it says', () => {
    let covered = 0
    for (let trial = 0; trial < 100; trial++) {
      const random = seededRandom(`trial ${trial}`)
      const drawn = Float64Array.from({ length: 400 }, () => (random.next() < 0.4 ? 1 : 0))
      const normal = { task: 'binary', labels: drawn, scores: drawn.map((label) => label + random.normal()) } as const
      const [low, high] = bootstrapMetric('auc', normal, { random, resamples: 200, confidence: 0.9 }).interval
      if (low <= 0.7602 && 0.7602 <= high) covered++
    }
    expect(covered).toBeGreaterThanOrEqual(83)
    expect(covered).toBeLessThanOrEqual(97)
  })

  it('says how much better a candidate is, whatever the direction of the metric', () => {
    const worse = { ...binary, scores: scores.map((score, i) => (i % 10 === 0 ? 1 - score : score)) }
    for (const metric of ['auc', 'logLoss', 'brier', 'f1'] as const) {
      const { value, interval } = bootstrapImprovement(metric, binary, worse, { random: seededRandom(1), resamples: 200 })
      expect(value, metric).toBeGreaterThan(0)
      expect(interval[0], metric).toBeGreaterThan(0)
    }
    expect(bootstrapImprovement('auc', binary, binary, { random: seededRandom(1) })).toMatchObject({ value: 0, interval: [0, 0] })
  })

  it('compares versions that scored other rows', () => {
    const half = (from: number) => ({
      ...binary,
      labels: labels.filter((_, i) => i % 2 === from),
      scores: scores.filter((_, i) => i % 2 === from),
    })
    const noisy = { ...half(0), scores: half(0).scores.map((score, i) => (i % 3 === 0 ? 1 - score : score)) }
    const equal = bootstrapDifference('auc', half(1), half(0), { random: seededRandom(1), resamples: 200 })
    expect(equal.interval[0]).toBeLessThan(0)
    expect(equal.interval[1]).toBeGreaterThan(0)
    expect(
      bootstrapDifference('logLoss', half(1), noisy, { random: seededRandom(1), resamples: 200 }).interval[0],
    ).toBeGreaterThan(0)
  })

  it('is fast enough for a gate: 20,000 rows, 500 resamples', () => {
    const many = {
      task: 'binary',
      labels: sequence(5, 20_000).map((value) => (value < 0.3 ? 1 : 0)),
      scores: sequence(9, 20_000),
    } as const
    const started = performance.now()
    bootstrapImprovement('auc', many, { ...many, scores: sequence(11, 20_000) }, { random: seededRandom(1) })
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('CBPE', () => {
  it('is close to the realised metrics when the concept holds', () => {
    const calibrator = fitCalibrator(scores, labels)
    expect(calibrator.kind).toBe('isotonic')
    const estimate = estimatePerformance(scores, calibrator)
    const real = allMetrics(binary)
    for (const metric of ['auc', 'accuracy', 'recall', 'f1', 'precision'] as const)
      expect(Math.abs(estimate[metric] - real[metric]!), metric).toBeLessThan(0.02)
  })
  it('leaves calibrated scores as they are', () => {
    const calibrated = Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 0.2 : 0.8))
    const exactly = calibrated.map((p, i) => ((i >> 1) % 5 < p * 5 ? 1 : 0))
    expect(fitCalibrator(calibrated, exactly).kind).toBe('none')
  })
  it('sums what it expects', () => {
    expect(estimatePerformance([0.9, 0.8, 0.2, 0.4], { kind: 'none' }).confusion).toEqual({
      tp: expect.closeTo(1.7),
      fp: expect.closeTo(0.3),
      fn: expect.closeTo(0.6),
      tn: expect.closeTo(1.4),
    })
    expect(alertBand([1, 2, 3])).toEqual([expect.closeTo(2 - 3 * Math.sqrt(2 / 3)), expect.closeTo(2 + 3 * Math.sqrt(2 / 3))])
  })
})

it('finds the feature that carries the score', async () => {
  const noise = sequence(101, n)
  const columns: Record<string, Float64Array> = { carrying: scores, noise }
  const score = (shuffled?: { feature: string; order: Uint32Array }) =>
    metricOf('auc', {
      ...binary,
      scores: shuffled?.feature === 'carrying' ? scores.map((_, i) => columns.carrying![shuffled.order[i]!]!) : scores,
    })
  const found = await permutationImportance(['noise', 'carrying'], n, score, { random: seededRandom(1) })
  expect(found[0]).toMatchObject({ feature: 'carrying', drop: expect.closeTo(metricOf('auc', binary) - 0.5, 1) })
  expect(importanceWeights(found)).toEqual({ carrying: 1, noise: 0 })
})
