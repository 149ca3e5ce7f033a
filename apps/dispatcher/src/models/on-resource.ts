import { type DataOf, type resourceApplied, type resourceDeleted } from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { type Weigh } from '../triggers/apply-decision.ts'
import { causeOf } from '../triggers/on-facts.ts'
import { newTrainingState } from '../triggers/training-state.ts'
import { takeEarlyLabels } from './early-labels.ts'
import { deleteModel, lockModel, saveModel } from './models.store.ts'
import { policyOf } from './policy.ts'
import { modelIn } from './specs.ts'

/** Takes up a model, or what was changed of it. Views are only remembered: messaging keeps their newest revision. */
export const onResourceApplied =
  ({ weigh }: { weigh: Weigh }): Handler<DataOf<typeof resourceApplied>> =>
  async (event, tx) => {
    const { kind, namespace, name, revision } = event.data
    if (kind !== 'Model') return done
    const model = modelIn(event.data)
    const policy = policyOf(model)
    const known = await lockModel(tx, { namespace, model: name })
    if (!known) {
      await saveModel(tx, newTrainingState(namespace, name, revision, policy), null, model.spec.priority)
      const early = await takeEarlyLabels(tx, { namespace, model: name })
      if (early) await weigh(tx, { namespace, model: name }, early, event)
      return done
    }
    await tx.query('update training_model set priority = $3 where namespace = $1 and model = $2', [
      namespace,
      name,
      model.spec.priority,
    ])
    const cause = causeOf(event, 'specChanged', `revision ${revision} was applied`)
    await weigh(tx, { namespace, model: name }, { is: 'spec', event: cause, revision, policy }, event)
    return done
  }

/** Forgets a model; its runs end, its versions stay with the registry. */
export const onResourceDeleted: Handler<DataOf<typeof resourceDeleted>> = async ({ data }, tx) => {
  if (data.kind !== 'Model') return done
  const name = { namespace: data.namespace, model: data.name }
  if (!(await lockModel(tx, name))) return drop('the model is not applied here')
  await tx.query(
    `update run set cancel = 'the model was deleted' where namespace = $1 and model = $2 and state not in ('approved', 'rejected', 'failed', 'cancelled')`,
    [name.namespace, name.model],
  )
  await deleteModel(tx, name)
  return done
}
