import { type Database, openDatabase, silent } from '@cascata/messaging'
import { createRegistry } from '@cascata/service'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Deployer1764000200000 } from '../migrations/1764000200000-deployer.ts'
import { changeDeployment } from '../rollouts/change-deployment.ts'
import { type Rollout } from '../rollouts/deployment.ts'
import { saveRollouts } from '../rollouts/deployments.store.ts'
import { deployerMetrics } from '../metrics.ts'
import { emptyArm } from './arm.ts'
import { addCount, countedRollouts, findStatistics } from './statistics.store.ts'

const name = { namespace: 'default', model: 'flights' }
const rollout: Rollout = {
  ...{ id: 'ro-1', version: '2', champion: '1', comparison: 'passed', plan: null, randomised: null, evidence: {} },
  phase: { is: 'step', step: 1, since: 0 },
}

const metrics = deployerMetrics(createRegistry('deployer'))

let db: Database
beforeAll(async () => {
  db = await openDatabase({
    url: backing().postgres,
    schema: uniqueName('counting'),
    migrations: [Deployer1764000200000],
    log: silent,
    poolSize: 4,
  })
  await db.transaction((tx) => saveRollouts(tx, name, [rollout], null))
})
afterAll(() => db?.close())

/** As a batch of predictions is counted. */
const count = () =>
  db.transaction(async (tx) => {
    const rollouts = await countedRollouts(tx, [rollout.id])
    const arm = { arm: { ...emptyArm(), requests: 60 }, scored: new Set<bigint>(), assigned: new Set<bigint>() }
    const arms = new Map([['2', arm]])
    await addCount(
      tx,
      { rollout: rollout.id, step: 1, arms, randomised: { from: 10, to: 20 }, halves: [] },
      rollouts.get(rollout.id)!,
    )
  })

const waiters = async () =>
  (await db.query<{ n: number }>(`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`))[0]!.n

it('a look sees the units of a count and when they were, or neither', async () => {
  let counting: Promise<void> | undefined
  await db.transaction((tx) =>
    changeDeployment(
      tx,
      name,
      async ({ rollout: seen }) => {
        let isCounted = false
        counting = count().then(() => void (isCounted = true))
        await eventually(async () => expect(isCounted || (await waiters()) > 0).toBe(true))
        const statistics = await findStatistics(tx, rollout, 1)
        expect({ units: statistics === null, instants: seen!.randomised === null }).toEqual({ units: true, instants: true })
        return null
      },
      { now: 0, metrics: metrics },
    ),
  )
  await counting
  await db.transaction((tx) =>
    changeDeployment(
      tx,
      name,
      async ({ rollout: seen }) => {
        expect(seen!.randomised).toEqual({ from: 10, to: 20 })
        expect((await findStatistics(tx, rollout, 1))!.candidate.requests).toBe(60)
        return null
      },
      { now: 0, metrics: metrics },
    ),
  )
})
