import { seededRandom } from '@cascata/statistics'
import { describe, expect, it } from 'vitest'
import { type Plan } from '../rollouts/deployment.ts'
import { add, type Arm, emptyArm, emptyPairs, latencyBin, latencyEdge, type Pairs, scoreBin } from './arm.ts'
import { decideEvidence, shiftOf } from './decide-evidence.ts'

const plan: Plan = {
  revision: 1,
  shadow: 0,
  steps: [0.5],
  units: 500,
  minMs: 0,
  maxMs: 1,
  onInconclusive: 'hold',
  guard: { errors: 0.01, latencyP99: 0.25, shift: 0.2 },
  bake: null,
  within: 1,
  margin: 0,
}

const random = seededRandom(7)

/** `requests` answers of a version with these properties, drawn. */
const drawn = (into: Arm, requests: number, { errors = 0, ms = 1, shift = 0 }): Arm => {
  for (let n = 0; n < requests; n += 1) {
    into.requests += 1
    into.units += 1
    into.assigned += 1
    if (random.next() < errors) into.errors += 1
    add(into.latency, latencyBin(ms * (0.5 + random.next() * (random.next() < 0.05 ? 4 : 1))))
    add(into.scores, scoreBin(1, Math.min(1, random.next() * 0.8 + shift)))
  }
  return into
}

/** In how many of the trials the candidate is found harmful at any of the looks. */
const found = (
  trials: number,
  looks: number,
  perLook: number,
  champion: object,
  candidate: object,
  more: Partial<Plan['guard']> = {},
): number => {
  let harms = 0
  for (let trial = 0; trial < trials; trial += 1) {
    const arms = { champion: emptyArm(), candidate: emptyArm(), pairs: emptyPairs() }
    for (let look = 0; look < looks; look += 1) {
      drawn(arms.champion, perLook, champion)
      drawn(arms.candidate, perLook, candidate)
      if (decideEvidence({ ...plan, guard: { ...plan.guard, ...more } }, 0.5, arms).harm !== null) {
        harms += 1
        break
      }
    }
  }
  return harms
}

describe('looking again and again', () => {
  it('rolls back few candidates that are as good as the champion', () => {
    expect(found(100, 20, 100, { errors: 0.02, ms: 20 }, { errors: 0.02, ms: 20 })).toBeLessThanOrEqual(5)
  })
  it('finds errors of 5 % against 2 %', () => {
    expect(found(40, 30, 100, { errors: 0.02 }, { errors: 0.05 })).toBeGreaterThanOrEqual(36)
  })
  it('finds answers that take twice as long, and leaves a difference within the noise alone', () => {
    expect(found(20, 20, 100, { ms: 20 }, { ms: 40 })).toBeGreaterThanOrEqual(18)
    expect(found(20, 20, 100, { ms: 0.4 }, { ms: 0.8 })).toBe(0)
  })
  it('finds scores that lie elsewhere', () => {
    expect(found(20, 10, 100, {}, { shift: 0.2 }, { shift: 0.2 })).toBeGreaterThanOrEqual(18)
  })
})

describe('the shift', () => {
  it('is about 0 for few scores of the same kind, and grows to √ln 2', () => {
    const distances = Array.from({ length: 50 }, () =>
      shiftOf(drawn(emptyArm(), 150, {}).scores, drawn(emptyArm(), 150, {}).scores)!,
    )
    expect(distances.reduce((sum, distance) => sum + distance) / 50).toBeLessThan(0.06)
    expect(shiftOf({ p0: 1_000 }, { p19: 1_000 })).toBeCloseTo(Math.sqrt(Math.LN2), 2)
  })
  it('is not told from too few', () => {
    expect(shiftOf({ p0: 99 }, { p19: 1_000 })).toBeNull()
  })
})

describe('pairs', () => {
  const paired = (pairs: Partial<Pairs>, requests = 1_000, errors = 0) =>
    decideEvidence(plan, 0, {
      champion: { ...emptyArm(), requests, errors },
      candidate: { ...emptyArm(), requests, errors: errors + (pairs.onlyCandidateFailed ?? 0) },
      pairs: { ...emptyPairs(), n: requests, ...pairs },
    })
  it('see errors of the candidate alone through errors that both make', () => {
    expect(paired({ onlyCandidateFailed: 25 }, 1_000, 100)).toMatchObject({
      errors: { paired: true, difference: 0.025 },
      harm: expect.stringContaining('errors'),
    })
    expect(paired({ onlyCandidateFailed: 5, onlyChampionFailed: 5 }, 1_000, 100).harm).toBeNull()
  })
})

describe('what is nothing', () => {
  it('is no evidence of harm and none of safety', () => {
    const nothing = decideEvidence(plan, 0.5, { champion: emptyArm(), candidate: emptyArm(), pairs: emptyPairs() })
    expect(nothing).toMatchObject({ units: 0, harm: null, trusted: true, shift: null })
  })
  it('few failures are no hard stop, and what fails for both is nobody’s fault', () => {
    const arms = (champion: number, candidate: number, n: number) =>
      decideEvidence(plan, 0, {
        champion: { ...emptyArm(), requests: n, errors: champion },
        candidate: { ...emptyArm(), requests: n, errors: candidate },
        pairs: emptyPairs(),
      })
    expect(arms(0, 5, 19).harm).toBeNull()
    expect(arms(0, 5, 20).harm).toContain('25.0 %')
    expect(arms(500, 500, 1_000).harm).toBeNull()
  })
})

it('bins hold what they say, and stay few', () => {
  for (const ms of [0, 0.011, 1, 12.5, 60_000]) {
    expect(latencyEdge(latencyBin(ms))).toBeGreaterThanOrEqual(Math.min(ms, 0.01))
    expect(latencyEdge(latencyBin(ms))).toBeLessThanOrEqual(Math.max(ms, 0.01) * 1.1001)
  }
  expect([
    scoreBin(1, 1),
    scoreBin(0, 0),
    scoreBin('late', { late: 0.4 }),
    scoreBin(0, undefined),
    scoreBin(148.2, undefined),
  ]).toEqual(['p19', 'p0', 'clate', 'v0', 'v23'])
  const many = {}
  for (let name = 0; name < 1_000; name += 1) add(many, `c${name}`)
  expect(Object.keys(many).length).toBeLessThanOrEqual(51)
})
