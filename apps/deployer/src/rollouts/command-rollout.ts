import { type Database } from '@cascata/messaging'
import { type Clock, type CodedError } from '@cascata/service'
import {
  cannotPause,
  modelNotApplied,
  modelNotFound,
  noRollout,
  nothingBefore,
  notPaused,
  servesAlready,
  versionUnknown,
} from '../errors.ts'
import { type DeployerMetrics } from '../metrics.ts'
import { changeDeployment } from './change-deployment.ts'
import { type Input, type Refusal } from './decide-deployment.ts'
import { findDeployment, type ModelName } from './deployments.store.ts'
import { routeView } from './view.ts'

export type Command = Extract<Input, { by: string }> & { is: 'pause' | 'resume' | 'promote' | 'rollback' }

const refusal = (refused: Refusal, model: string, version: string): CodedError => {
  switch (refused) {
    case 'no model':
      return modelNotApplied({ model })
    case 'no rollout':
      return noRollout({ model })
    case 'not paused':
      return notPaused({ model })
    case 'cannot pause':
      return cannotPause({ model })
    case 'nothing before':
      return nothingBefore({ model })
    case 'unknown version':
      return versionUnknown({ model, version })
    case 'serves already':
      return servesAlready({ model, version })
    default:
      return refused satisfies never
  }
}

/** What a person asks for, carried out at once; answers what serves from now on. */
export const commandRollout =
  ({ db, clock, metrics }: { db: Database; clock: Clock; metrics: DeployerMetrics }) =>
  async (name: ModelName, command: Command) => {
    const model = `${name.namespace}/${name.model}`
    if (!(await findDeployment(db, name))) throw modelNotFound({ model })
    const { refused } = await db.transaction((tx) => changeDeployment(tx, name, command, { now: clock.now(), metrics }))
    if (refused) throw refusal(refused, model, command.is === 'rollback' ? (command.to ?? '') : '')
    return routeView((await findDeployment(db, name))!)
  }

export type CommandRollout = ReturnType<typeof commandRollout>
