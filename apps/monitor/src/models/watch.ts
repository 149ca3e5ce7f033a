import { type Database } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { judgeModel } from '../findings/judge-model.ts'
import { sayFindings } from '../findings/say-findings.ts'
import { type joinLabels } from '../labels/join-labels.ts'
import { measurePerformance } from '../labels/measure-performance.ts'
import { warmUp } from '../versions/warm-up.ts'
import { allModels, markDirty, takeDirty, type WatchedModel } from './models.store.ts'
import { type AppliedModel, appliedModels, appliedViews } from './spec-of.ts'

export interface Watch {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  readonly join: ReturnType<typeof joinLabels>
}

const key = ({ model: { metadata } }: AppliedModel) => `${metadata.namespace}/${metadata.name}`

const judge = async (
  { db, clock, log }: Watch,
  watched: WatchedModel,
  applied: AppliedModel,
  views: Awaited<ReturnType<typeof appliedViews>>,
) => {
  const { namespace, name, model, champion } = watched
  const { task, monitor } = applied.model.spec
  if (champion !== null) await warmUp(db, model, champion, task, Math.min(5_000, Math.max(100, monitor.drift.minRows)))
  await measurePerformance(db, watched, applied)
  const { judged } = await judgeModel(db, watched, applied, views)
  const { opened, closed } = await sayFindings({ db, clock })({ namespace, name }, applied.revision, judged)
  if (opened + closed > 0) log.info({ model, opened, closed }, 'findings changed')
}

/**
 * One look at every model: a step of joining its labels; and, where something has changed, its performance and its findings. A model that
 * can't be judged now is looked at again, and holds up no other.
 */
export const watchModels = async (parts: Watch): Promise<void> => {
  const { db, log, join } = parts
  const [watched, applied, views] = await Promise.all([allModels(db), appliedModels(db), appliedViews(db)])
  const byName = new Map(applied.map((each) => [key(each), each]))
  for (const model of watched) {
    const spec = byName.get(model.model)
    if (!spec) continue
    try {
      await join(model, spec, views)
      const changed = await takeDirty(db, model.model)
      if (changed) await judge(parts, changed, spec, views)
    } catch (error) {
      log.warn({ model: model.model, err: error }, 'a model could not be judged and is looked at again')
      await markDirty(db, [model.model])
    }
  }
}
