import { bell, type Database, pause } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { decideEvidence, type Evidence, type Judgement } from '../evidence/decide-evidence.ts'
import { findStatistics, forgetUnits } from '../evidence/statistics.store.ts'
import { type DeployerMetrics } from '../metrics.ts'
import { type AskRealised } from './ask-realised.ts'
import { changeDeployment } from './change-deployment.ts'
import { type Realised, wantsRealised } from './decide-rollout.ts'
import { type Deployment, type Rollout, shareOf, stepOf } from './deployment.ts'
import { busyModels, findDeployment, type ModelName } from './deployments.store.ts'

export interface Looking {
  db: Database
  clock: Clock
  log: Logger
  metrics: DeployerMetrics
  judgement: Judgement
  askRealised: AskRealised
  tickMs: number
}

const evidenceOf = async (db: Pick<Database, 'query'>, rollout: Rollout, judgement: Judgement): Promise<Evidence | null> => {
  if (!rollout.plan) return null
  const statistics = await findStatistics(db, rollout, stepOf(rollout))
  return statistics ? decideEvidence(rollout.plan, shareOf(rollout), statistics, judgement) : null
}

const withEvidence = (deployment: Deployment, evidence: Evidence | null, realised: Realised | null | undefined): Deployment => {
  const { rollout } = deployment
  if (!rollout || (!evidence && realised === undefined)) return deployment
  const seen = { ...(evidence ?? {}), step: stepOf(rollout), ...(realised === undefined ? {} : { realised }) }
  return { ...deployment, rollout: { ...rollout, evidence: seen } }
}

/** Looks at one model's rollout: asks the monitor when its bake is due, then weighs and decides in one transaction. */
export const lookAt = async ({ db, clock, metrics, judgement, askRealised }: Looking, name: ModelName): Promise<void> => {
  const done = metrics.look.startTimer()
  const before = await findDeployment(db, name)
  const asked = before && wantsRealised(before.deployment) ? before.deployment.rollout! : null
  const realised = asked ? await askRealised(name, asked) : undefined
  await db.transaction((tx) =>
    changeDeployment(
      tx,
      name,
      async (deployment) => {
        const evidence = deployment.rollout ? await evidenceOf(tx, deployment.rollout, judgement) : null
        const word = deployment.rollout?.id === asked?.id ? realised : undefined
        return {
          deployment: withEvidence(deployment, evidence, word),
          input: { is: 'looked', evidence, ...(word === undefined ? {} : { realised: word }) },
        }
      },
      { now: clock.now(), metrics },
    ),
  )
  done()
}

/** Looks at every model with something under way, on one replica, again and again: for what time alone decides. */
export const lookAtAll =
  (looking: Looking) =>
  async (signal: AbortSignal): Promise<void> => {
    const { db, log, tickMs } = looking
    for (let round = 0; !signal.aborted; round += 1) {
      for (const name of await busyModels(db)) {
        if (signal.aborted) return
        await lookAt(looking, name).catch((error: unknown) => log.warn({ err: error, ...name }, 'a look at a rollout failed'))
      }
      if (round % 1_000 === 999) await forgetUnits(db)
      await pause(tickMs, signal)
    }
  }

/** Looks at the models whose evidence has grown, on the replica that counted it: a breach is answered at once, not at the next tick. */
export const lookWhenCounted = (looking: Looking) => {
  const touched = new Map<string, ModelName>()
  const rung = bell()
  const stopped = new AbortController()
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await rung.wait(60_000, stopped.signal)
      await pause(15, stopped.signal)
      const models = [...touched.values()]
      touched.clear()
      for (const name of models)
        await lookAt(looking, name).catch((error: unknown) =>
          looking.log.warn({ err: error, ...name }, 'a look at a rollout failed'),
        )
    }
  })()
  return {
    counted(name: ModelName) {
      touched.set(`${name.namespace}/${name.model}`, name)
      rung.ring()
    },
    stop: () => (stopped.abort(), running),
  }
}
