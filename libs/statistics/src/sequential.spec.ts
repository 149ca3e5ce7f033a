import { expect, it } from 'vitest'
import { type Proportion, type Random, sampleRatio, seededRandom, sequentialMeans, sequentialProportions } from './index.ts'

const TRIALS = 1000
const LOOKS = 30
const UNITS = 500

const binomial = (random: Random, n: number, p: number) => {
  let hits = 0
  for (let i = 0; i < n; i++) if (random.next() < p) hits++
  return hits
}

/** The look at which the test decides, or nothing. */
const decidedAt = (random: Random, control: number, treatment: number): number | undefined => {
  let [a, b]: [Proportion, Proportion] = [
    { successes: 0, n: 0 },
    { successes: 0, n: 0 },
  ]
  let pValue = 1
  for (let look = 1; look <= LOOKS; look++) {
    a = { successes: a.successes + binomial(random, UNITS, control), n: a.n + UNITS }
    b = { successes: b.successes + binomial(random, UNITS, treatment), n: b.n + UNITS }
    pValue = sequentialProportions(a, b, pValue).pValue
    if (pValue < 0.05) return look
  }
  return undefined
}

it('seldom cries wolf: 30 looks at two equal arms', () => {
  const random = seededRandom('A/A')
  const alarms = Array.from({ length: TRIALS }, () => decidedAt(random, 0.02, 0.02)).filter((look) => look !== undefined)
  expect(alarms.length / TRIALS).toBeLessThanOrEqual(0.02)
})

it('sees errors rise from 2 to 3 %', () => {
  const random = seededRandom('2 to 3')
  const looks = Array.from({ length: TRIALS / 2 }, () => decidedAt(random, 0.02, 0.03))
  const found = looks.filter((look) => look !== undefined).sort((x, y) => x - y)
  expect(found.length / looks.length).toBeGreaterThan(0.98)
  expect(found[Math.floor(found.length / 2)]).toBeLessThanOrEqual(10)
})

it('covers the true difference at every look', () => {
  const random = seededRandom('coverage')
  let missed = 0
  for (let trial = 0; trial < 300; trial++) {
    let [a, b]: [Proportion, Proportion] = [
      { successes: 0, n: 0 },
      { successes: 0, n: 0 },
    ]
    let covered = true
    for (let look = 0; look < LOOKS; look++) {
      a = { successes: a.successes + binomial(random, UNITS, 0.05), n: a.n + UNITS }
      b = { successes: b.successes + binomial(random, 50, 0.06), n: b.n + 50 }
      const [low, high] = sequentialProportions(a, b).interval
      if (low > 0.01 || high < 0.01) covered = false
    }
    if (!covered) missed++
  }
  expect(missed / 300).toBeLessThanOrEqual(0.05)
})

it('compares means, and says nothing on too little', () => {
  const control = { n: 5000, mean: 0.2, variance: 0.01 }
  expect(sequentialMeans(control, { n: 5000, mean: 0.22, variance: 0.01 }).pValue).toBeLessThan(0.001)
  expect(sequentialMeans(control, { n: 5000, mean: 0.201, variance: 0.01 }).pValue).toBeGreaterThan(0.05)
  expect(sequentialMeans(control, { n: 1, mean: 9, variance: 0 }).pValue).toBe(1)
  expect(sequentialProportions({ successes: 0, n: 0 }, { successes: 0, n: 0 }).interval).toEqual([-Infinity, Infinity])
  expect(sequentialProportions({ successes: 0, n: 100 }, { successes: 1, n: 3 }).pValue).toBeGreaterThan(0.05)
})

it('notices a split in the wrong ratio, and hardly ever a right one', () => {
  expect(sampleRatio([94_000, 6_000], [0.95, 0.05]).pValue).toBeLessThan(0.001)
  expect(sampleRatio([0, 0], [0.95, 0.05]).pValue).toBe(1)
  const random = seededRandom('ratio')
  let alarms = 0
  for (let trial = 0; trial < 300; trial++) {
    let counts: [number, number] = [0, 0]
    let pValue = 1
    for (let look = 0; look < LOOKS; look++) {
      const candidate = binomial(random, 300, 0.05)
      counts = [counts[0] + 300 - candidate, counts[1] + candidate]
      pValue = sampleRatio(counts, [0.95, 0.05], pValue).pValue
    }
    if (pValue < 0.01) alarms++
  }
  expect(alarms / 300).toBeLessThanOrEqual(0.02)
})
