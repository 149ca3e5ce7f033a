import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideEvidence, type Evidence } from '../evidence/decide-evidence.ts'
import { type Arm, emptyArm, emptyPairs } from '../evidence/arm.ts'
import { decideDeployment, type Decided, type Input } from './decide-deployment.ts'
import { decideRoute, type RouteContent, sameRoute } from './decide-route.ts'
import { type Deployment, newDeployment, type Plan } from './deployment.ts'
import { type RolloutFact } from './transitions.ts'

const minute = 60_000
const hour = 60 * minute
const plan: Plan = {
  revision: 1,
  shadow: 10 * minute,
  steps: [0.05, 0.25],
  units: 500,
  minMs: 10 * minute,
  maxMs: 24 * hour,
  onInconclusive: 'hold',
  guard: { errors: 0.01, latencyP99: 0.25, shift: 0.2 },
  bake: 60 * hour,
  within: 36 * hour,
  margin: 0.002,
}

const arm = (requests: number, more: Partial<Arm> = {}): Arm => ({
  ...emptyArm(),
  requests,
  units: requests,
  assigned: requests,
  latency: { '50': requests },
  scores: { p3: Math.floor(requests / 2), p8: Math.ceil(requests / 2) },
  ...more,
})

/** What a step has seen of a candidate that is as good as the champion. */
const good = (units: number, share = 0.05): Evidence =>
  decideEvidence(plan, share, {
    champion: arm(units, { assigned: Math.round(units * (1 - share) * 10) }),
    candidate: arm(units, { assigned: Math.round(units * share * 10) }),
    pairs: emptyPairs(),
  })
const failing = (units: number, errors: number): Evidence =>
  decideEvidence(plan, 0, { champion: arm(units), candidate: arm(units, { errors }), pairs: emptyPairs() })

/** A deployment to which things happen; the last decision is kept. */
const given = (start: Deployment = newDeployment('default', 'flight-delay')) => {
  let deployment = start
  let now = 0
  let facts: RolloutFact[] = []
  let refused: string | undefined
  const self = {
    when(input: Input, after = 0) {
      now += after
      const decided: Decided = decideDeployment(deployment, input, now)
      refused = 'refused' in decided ? decided.refused : undefined
      facts = 'refused' in decided ? [] : decided.facts
      if (!('refused' in decided)) deployment = decided.deployment
      return self
    },
    then(...said: string[]) {
      expect(
        refused ?? facts.map(({ is, rollout, step, share }) => `${is} ${rollout.version} step ${step} share ${share}`),
      ).toEqual(said)
      return self
    },
    refuses(why: string) {
      expect(refused).toBe(why)
      return self
    },
    reason(text: string | RegExp) {
      expect(facts.at(-1)?.reason).toMatch(text)
      return self
    },
    serves(split: Record<string, number>, more: Partial<RouteContent> = {}) {
      const route = decideRoute(deployment)
      expect(Object.fromEntries(route.split.map(({ version, from, to }) => [version, to - from]))).toEqual(split)
      expect(route).toMatchObject(more)
      return self
    },
    randomised(from: number, to: number) {
      deployment = { ...deployment, rollout: { ...deployment.rollout!, randomised: { from, to } } }
      return self
    },
    get deployment() {
      return deployment
    },
  }
  return self
}

const applied = (more: Partial<Plan> = {}): Input => ({ is: 'applied', revision: 1, plan: { ...plan, ...more } })
const approved = (version: string, more: Partial<Extract<Input, { is: 'approved' }>> = {}): Input => ({
  is: 'approved',
  version,
  rollout: `ro-${version}`,
  by: 'gates',
  comparison: 'passed',
  ...more,
})
const looked = (evidence: Evidence | null = null, realised?: Extract<Input, { is: 'looked' }>['realised']): Input => ({
  is: 'looked',
  evidence,
  realised,
})
const rollback = (to: string | null = null): Input => ({ is: 'rollback', by: 'ada', to, rollout: 'ro-by-hand' })

const served = (more: Partial<Plan> = {}) =>
  given()
    .when(applied(more))
    .when(approved('1', { comparison: 'first' }))
const inShadow = (more: Partial<Plan> = {}) => served(more).when(approved('2'))
const inStep = (more: Partial<Plan> = {}) => inShadow({ shadow: 0, ...more })
const baking = () =>
  inStep({ steps: [0.25] })
    .randomised(100 * hour, 110 * hour)
    .when(looked(good(600, 0.25)), 11 * minute)

describe('a first version', () => {
  it('goes straight to full, without bake', () => {
    given()
      .when(applied())
      .then()
      .when(approved('1', { comparison: 'first' }))
      .then('started 1 step 3 share 1', 'completed 1 step 3 share 1')
      .serves({ '1': 10_000 }, { champion: '1', warm: [] })
  })
  it('waits until its Model is applied', () => {
    given()
      .when(approved('1'))
      .then()
      .serves({}, { champion: null })
      .when(applied())
      .then('started 1 step 3 share 1', 'completed 1 step 3 share 1')
  })
  it('that cannot be loaded leaves nothing to serve', () => {
    served()
      .when({ is: 'failed', version: '1', code: 'INF_MODEL_EXTERNAL_DATA', rollout: 'x' })
      .then('rolledback 1 step 0 share 0')
      .reason('INF_MODEL_EXTERNAL_DATA')
      .serves({})
  })
  it('that was loaded stays when one replica fails on it later', () => {
    served()
      .when({ is: 'loaded', version: '1' })
      .when({ is: 'failed', version: '1', code: 'X', rollout: 'x' })
      .then()
      .serves({ '1': 10_000 })
  })
})

describe('a candidate', () => {
  it('runs in shadow, then over its steps to full and bake', () => {
    inShadow()
      .then('started 2 step 0 share 0')
      .serves({ '1': 10_000 }, { champion: '1', candidate: '2', shadow: '2', rollout: 'ro-2', step: 0 })
      .when(looked(good(900, 0)), 9 * minute)
      .then()
      .when(looked(good(900, 0)), minute)
      .then('stepped 2 step 1 share 0.05')
      .serves({ '2': 500, '1': 9_500 }, { champion: '1', shadow: '2', step: 1 })
      .randomised(1, 2)
      .when(looked(good(499)), 10 * minute)
      .then()
      .when(looked(good(500)))
      .then('stepped 2 step 2 share 0.25')
      .when(looked(good(500, 0.25)), 10 * minute)
      .then('baking 2 step 3 share 1')
      .serves({ '2': 10_000 }, { champion: '2', warm: ['1'], rollout: 'ro-2', step: 3 })
  })
  it('never goes forward on silence: it is held', () => {
    inShadow()
      .when(looked(null), 48 * hour)
      .then('held 2 step 0 share 0')
      .when(looked(null), 480 * hour)
      .then()
    inStep({ onInconclusive: 'promote' })
      .when(looked(null), 25 * hour)
      .then('held 2 step 1 share 0.05')
      .reason('0 of 500 units')
  })
  it('that is inconclusive is held, promoted or rolled back, as the plan says', () => {
    inStep()
      .when(looked(good(100)), 25 * hour)
      .then('held 2 step 1 share 0.05')
      .when(looked(good(500)))
      .then('stepped 2 step 2 share 0.25')
    inStep({ onInconclusive: 'promote' })
      .when(looked(good(100)), 25 * hour)
      .then('stepped 2 step 2 share 0.25')
    inStep({ onInconclusive: 'rollback' })
      .when(looked(good(100)), 25 * hour)
      .then('rolledback 2 step 1 share 0')
      .serves({ '1': 10_000 })
  })
  it('that the gate could not judge needs twice the units and goes back when still so', () => {
    const start = served({ shadow: 0 }).when(approved('2', { comparison: 'inconclusive' }))
    start
      .when(looked(good(700)), hour)
      .then()
      .when(looked(good(999)), 25 * hour)
      .then('rolledback 2 step 1 share 0')
    served({ shadow: 0, steps: [] })
      .when(approved('2', { comparison: 'inconclusive' }))
      .then('started 2 step 0 share 0', 'rolledback 2 step 0 share 0')
  })
  it('that fails goes back at once, in whatever phase', () => {
    inShadow()
      .when(looked(failing(20, 20)))
      .then('rolledback 2 step 0 share 0')
      .reason('100.0 % of its requests failed')
      .serves({ '1': 10_000 })
    inStep()
      .when(looked(failing(5_000, 400)))
      .then('rolledback 2 step 1 share 0')
      .reason('errors 8.0 %')
    inStep()
      .when({ is: 'pause', by: 'ada' })
      .then('paused 2 step 1 share 0.05')
      .when(looked(failing(20, 20)))
      .then('rolledback 2 step 1 share 0')
    inStep()
      .when(looked(null), 25 * hour)
      .when(looked(failing(20, 20)))
      .then('rolledback 2 step 1 share 0')
  })
  it('is held when units do not fall to the sides as the split says', () => {
    const odd = decideEvidence(plan, 0.05, { champion: arm(5_000), candidate: arm(5_000), pairs: emptyPairs() })
    inStep().when(looked(odd), hour).then('held 2 step 1 share 0.05').reason('no figure can be trusted')
  })
  it('that cannot be loaded goes back', () => {
    inShadow().when({ is: 'failed', version: '2', code: 'INF_X', rollout: 'x' }).then('rolledback 2 step 0 share 0')
  })
  it('without steps and bake goes straight to full', () => {
    served({ shadow: 0, steps: [], bake: null })
      .when(approved('2'))
      .then('started 2 step 0 share 0', 'completed 2 step 1 share 1')
      .serves({ '2': 10_000 }, { champion: '2', warm: [] })
  })
  it('that was given no row by chance skips the bake', () => {
    served({ shadow: 0, steps: [] }).when(approved('2')).then('started 2 step 0 share 0', 'completed 2 step 1 share 1')
  })
})

describe('a bake', () => {
  const cutoff = (at: number): Input => ({ is: 'ripened', cutoff: at })
  const better = { metric: 'auc', rows: 5_000, difference: 0.01, interval: [0.002, 0.02] as [number, number] }
  const worse = { metric: 'auc', rows: 5_000, difference: -0.03, interval: [-0.04, -0.02] as [number, number] }

  it('ends when the labels of the last randomised prediction are ripe and its duration has passed, in data time', () => {
    baking()
      .then('baking 2 step 2 share 1')
      .when(cutoff(133 * hour))
      .when(looked(null, better), 900 * hour)
      .then()
      .when(cutoff(134 * hour))
      .when(looked(null, better))
      .then('completed 2 step 2 share 1')
      .serves({ '2': 10_000 }, { champion: '2', warm: [] })
  })
  it('goes back when realised quality is surely worse, and only then', () => {
    baking()
      .when(cutoff(200 * hour))
      .when(looked(null, worse))
      .then('rolledback 2 step 2 share 0')
      .reason('auc -0.0300')
      .serves({ '1': 10_000 })
    baking()
      .when(cutoff(200 * hour))
      .when(looked(null, { ...worse, interval: [-0.07, 0.01] }))
      .then('completed 2 step 2 share 1')
    baking()
      .when(cutoff(200 * hour))
      .when(looked(null, { ...worse, difference: -0.001, interval: [-0.0015, -0.0005] }))
      .then('completed 2 step 2 share 1')
  })
  it('waits for the monitor, whatever the clock says', () => {
    baking()
      .when(cutoff(200 * hour))
      .when(looked(null), 10_000 * hour)
      .then()
  })
  it('goes back on a finding of performance or fairness, also one opened before', () => {
    baking().when({ is: 'findingOpened', version: '2', finding: 'f', type: 'fairness' }).then('rolledback 2 step 2 share 0')
    baking().when({ is: 'findingOpened', version: '2', finding: 'f', type: 'drift' }).then()
    inStep({ steps: [0.25] })
      .randomised(1, 2)
      .when({ is: 'findingOpened', version: '2', finding: 'f', type: 'performance' })
      .then()
      .when(looked(good(600, 0.25)), hour)
      .when(looked())
      .then('rolledback 2 step 2 share 0')
  })
  it('is over when a newer version is approved', () => {
    baking()
      .when(approved('3'))
      .then('completed 2 step 2 share 1', 'started 3 step 1 share 0.25')
      .serves({ '3': 2_500, '2': 7_500 })
  })
})

describe('several versions', () => {
  it('go one after the other; the newest approved waits, older ones are superseded', () => {
    const run = inShadow().when(approved('3')).then().when(approved('4')).then()
    expect(run.deployment.waiting?.version).toBe('4')
    run.when(looked(failing(30, 30))).then('rolledback 2 step 0 share 0', 'started 4 step 0 share 0')
  })
  it('v1, v2 rolled back, v3: nothing brings v2 back by itself', () => {
    inShadow({ shadow: 0, steps: [], bake: null })
      .when(rollback())
      .then('rolledback 2 step 0 share 0')
      .serves({ '1': 10_000 })
      .when(approved('2'))
      .then()
      .when(approved('3'))
      .serves({ '3': 10_000 })
      .when(rollback())
      .serves({ '1': 10_000 })
  })
  it('a person may approve again what was rolled back', () => {
    inShadow()
      .when(rollback())
      .when(approved('2', { by: 'ada' }))
      .then('started 2 step 0 share 0')
  })
  it('that a person rejects go back, or never start', () => {
    inShadow().when({ is: 'rejected', version: '2', by: 'ada' }).then('rolledback 2 step 0 share 0').when(approved('2')).then()
    const run = inShadow().when(approved('3')).when({ is: 'rejected', version: '3', by: 'ada' }).then()
    expect(run.deployment.waiting).toBeNull()
  })
})

describe('commands', () => {
  it('pause and resume keep the time that has passed', () => {
    inStep()
      .when({ is: 'pause', by: 'ada' }, 6 * minute)
      .when(looked(good(900)), 90 * hour)
      .then()
      .when({ is: 'resume', by: 'ada' })
      .then('stepped 2 step 1 share 0.05')
      .when(looked(good(900)), 3 * minute)
      .then()
      .when(looked(good(900)), minute)
      .then('stepped 2 step 2 share 0.25')
  })
  it('promote goes to full at once, then ends the bake', () => {
    inShadow()
      .randomised(1, 2)
      .when({ is: 'promote', by: 'ada' })
      .then('baking 2 step 3 share 1')
      .when({ is: 'promote', by: 'ada' })
      .then('completed 2 step 3 share 1')
  })
  it('rollback goes to the champion, to the one before, or to the one named', () => {
    const quick = { shadow: 0, steps: [], bake: null }
    const three = () => served(quick).when(approved('2')).when(approved('3'))
    three()
      .when(rollback())
      .serves({ '2': 10_000 })
      .when(rollback())
      .serves({ '1': 10_000 })
      .when(rollback())
      .refuses('nothing before')
      .serves({ '1': 10_000 })
    three().when(rollback('1')).serves({ '1': 10_000 })
    three().when(rollback('9')).refuses('unknown version').when(rollback('3')).refuses('serves already')
    inShadow().when(approved('3')).when(rollback('1')).then('rolledback 2 step 0 share 0', 'started 3 step 0 share 0')
  })
  it('are refused when there is nothing to do', () => {
    served().when({ is: 'pause', by: 'a' }).refuses('no rollout').when({ is: 'promote', by: 'a' }).refuses('no rollout')
    inShadow().when({ is: 'resume', by: 'a' }).refuses('not paused')
    baking().when({ is: 'pause', by: 'a' }).refuses('cannot pause')
  })
  it('deleting the Model stops the route', () => {
    inShadow().when({ is: 'deleted', revision: 1 }).then().serves({}, { champion: null })
  })
})

describe('over any history', () => {
  const version = fc.integer({ min: 1, max: 6 }).map(String)
  const evidence: fc.Arbitrary<Evidence | null> = fc.oneof(
    fc.constant(null),
    fc.integer({ min: 1, max: 2_000 }).map((units) => good(units)),
    fc.integer({ min: 0, max: 300 }).map((errors) => failing(1_000, errors)),
  )
  const realised = fc.option(
    fc.record({
      metric: fc.constant('auc'),
      rows: fc.nat(1_000),
      difference: fc.double({ min: -0.1, max: 0.1, noNaN: true }),
      interval: fc.constant([-0.1, 0.1] as [number, number]),
    }),
    { nil: undefined },
  )
  const onInconclusive = fc.constantFrom('hold' as const, 'promote' as const, 'rollback' as const)
  const input: fc.Arbitrary<Input> = fc.oneof(
    {
      weight: 2,
      arbitrary: fc
        .record({
          shadow: fc.constantFrom(0, hour),
          steps: fc.constantFrom<number[]>([], [0.1], [0.05, 0.5]),
          onInconclusive,
          bake: fc.constantFrom(null, hour),
        })
        .map((more) => applied(more)),
    },
    {
      weight: 4,
      arbitrary: fc
        .record({
          version,
          by: fc.constantFrom('gates', 'ada'),
          comparison: fc.constantFrom('passed' as const, 'inconclusive' as const),
        })
        .map(({ version, ...more }) => approved(version, more)),
    },
    { weight: 9, arbitrary: fc.record({ is: fc.constant('looked' as const), evidence, realised }) as fc.Arbitrary<Input> },
    version.map((version): Input => ({ is: 'rejected', version, by: 'ada' })),
    version.map((version): Input => ({ is: 'loaded', version })),
    version.map((version): Input => ({ is: 'failed', version, code: 'X', rollout: 'r' })),
    version.map((version): Input => ({ is: 'findingOpened', version, finding: `f${version}`, type: 'performance' })),
    fc.nat(400).map((hours): Input => ({ is: 'ripened', cutoff: hours * hour })),
    fc.constantFrom<Input>(
      { is: 'pause', by: 'a' },
      { is: 'resume', by: 'a' },
      { is: 'promote', by: 'a' },
      { is: 'deleted', revision: 1 },
    ),
    fc.option(version).map((to) => rollback(to)),
  )
  const history = fc.array(fc.tuple(input, fc.integer({ min: 0, max: 30 * hour })), { maxLength: 60 })

  it('the promises hold', () => {
    fc.assert(
      fc.property(history, (inputs) => {
        let deployment = newDeployment('default', 'm')
        let route: RouteContent | null = null
        let now = 0
        for (const [what, after] of inputs) {
          now += after
          const decided = decideDeployment(deployment, what, now)
          if ('refused' in decided) continue
          const before = deployment
          deployment = decided.deployment
          if (deployment.rollout && !deployment.rollout.randomised && deployment.rollout.phase.is === 'step')
            deployment = { ...deployment, rollout: { ...deployment.rollout, randomised: { from: 0, to: hour } } }
          const next = decideRoute(deployment)

          const covered = next.split.reduce((at, { from, to }) => (from === at && to > from ? to : Number.NaN), 0)
          expect(covered).toBe(next.split.length === 0 ? 0 : 10_000)
          expect(next.split.length === 0).toBe(next.champion === null)

          const byPerson = what.is === 'promote' || what.is === 'rollback' || what.is === 'approved'
          const silent = what.is === 'looked' && what.evidence === null && what.realised === undefined
          const rollout = before.rollout
          if (silent && rollout && deployment.rollout?.id === rollout.id && deployment.rollout.phase.is !== rollout.phase.is)
            expect(['held']).toContain(deployment.rollout.phase.is)

          const answering = new Set(next.split.map(({ version }) => version))
          for (const version of answering) {
            const standing = deployment.versions[version]?.standing
            expect(standing).not.toBe('rolledback')
            if (!byPerson) expect(standing).not.toBe('rejected')
          }
          if (!byPerson && route && rollout && deployment.rollout?.id === rollout.id) {
            const share = (of: RouteContent) =>
              of.split.filter(({ version }) => version === rollout.version).reduce((sum, { from, to }) => sum + to - from, 0)
            expect(share(next)).toBeGreaterThanOrEqual(share(route))
          }
          expect(new Set(deployment.history).size).toBe(deployment.history.length)
          for (const old of deployment.history) expect(deployment.versions[old]?.standing).not.toBe('rolledback')
          for (const { rollout: ended } of decided.facts) expect(ended.version).toMatch(/^\d+$/)
          if (!sameRoute(route, next)) route = next
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('only evidence, a gate or a person changes who answers, forward', () => {
    fc.assert(
      fc.property(history, (inputs) => {
        let deployment = newDeployment('default', 'm')
        let now = 0
        for (const [what, after] of inputs) {
          now += after
          const decided = decideDeployment(deployment, what, now)
          if ('refused' in decided) continue
          for (const { is, reason } of decided.facts)
            if (is === 'stepped' && what.is === 'looked') {
              expect(what.evidence).not.toBeNull()
              expect(reason).toMatch(/units/)
            }
          deployment = decided.deployment
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
