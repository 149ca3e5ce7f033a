import {
  type DataOf,
  type findingClosed,
  type findingOpened,
  type labelsRipened,
  type rolloutCompleted,
  type TrainingCause,
  type CloudEvent,
  type Trigger,
} from '@cascata/events'
import { done, drop, type Handler, type Tx } from '@cascata/messaging'
import { keepEarlyLabels } from '../models/early-labels.ts'
import { type ModelName } from '../models/models.store.ts'
import { modelsOfView } from '../models/specs.ts'
import { type Weigh } from './apply-decision.ts'
import { type Cause } from './training-state.ts'

/** How a training that this event leads to will name it. */
export const causeOf = ({ id, type, time }: CloudEvent, trigger: Trigger, summary?: string): TrainingCause => ({
  id,
  type,
  trigger,
  at: new Date(time).toISOString(),
  ...(summary === undefined ? {} : { summary }),
})

/** Weighs a model's triggers when more of its labels have ripened. */
export const onLabelsRipened =
  ({ weigh }: { weigh: Weigh }): Handler<DataOf<typeof labelsRipened>> =>
  async (event, tx) => {
    const { ripe, labelled, cutoff } = event.data
    const cause: Cause = {
      is: 'labels',
      event: causeOf(event, 'newLabels'),
      labels: { ripe, labelled, cutoff: Date.parse(cutoff) },
    }
    if (await weigh(tx, event.data, cause, event)) return done
    await keepEarlyLabels(tx, event.data, cause)
    return drop('the model is not applied here yet')
  }

type Finding = DataOf<typeof findingOpened> | DataOf<typeof findingClosed>

/** A finding about a view concerns every model that reads it. */
const modelsOf = async (tx: Tx, { namespace, model, view }: Finding): Promise<ModelName[]> =>
  model !== undefined ? [{ namespace, model }] : modelsOfView(tx, namespace, view as string)

/** Freezes trainings, or asks for one, when something is out of its bounds. */
export const onFindingOpened =
  ({ weigh }: { weigh: Weigh }): Handler<DataOf<typeof findingOpened>> =>
  async (event, tx) => {
    const { finding, episode, type, version, measure, size } = event.data
    const summary = `${type}: ${measure}${size === null ? '' : ` ${size}`}`
    const cause: Cause = {
      is: 'finding opened',
      event: causeOf(event, type === 'performance' ? 'performance' : 'drift', summary),
      finding: { finding, episode, type, version },
    }
    const models = await modelsOf(tx, event.data)
    for (const name of models) await weigh(tx, name, cause, event)
    return models.length > 0 ? done : drop('no model is concerned')
  }

export const onFindingClosed =
  ({ weigh }: { weigh: Weigh }): Handler<DataOf<typeof findingClosed>> =>
  async (event, tx) => {
    const models = await modelsOf(tx, event.data)
    for (const name of models)
      await weigh(tx, name, { is: 'finding closed', finding: event.data.finding, reason: event.data.reason }, event)
    return models.length > 0 ? done : drop('no model is concerned')
  }

type Rollout = DataOf<typeof rolloutCompleted>

/** The trigger of the run that made a version: what backs off when its rollout is taken back. */
async function triggerOf(tx: Tx, { namespace, model, version }: Rollout): Promise<Trigger | null> {
  const rows = await tx.query<{ trigger: Trigger }>(
    'select trigger from run where namespace = $1 and model = $2 and version = $3 limit 1',
    [namespace, model, version],
  )
  return rows[0]?.trigger ?? null
}

/** A version answers everything: it is what later candidates have to stand against, and the back-off begins anew. */
export const onPromoted =
  ({ weigh }: { weigh: Weigh }): Handler<Rollout> =>
  async (event, tx) => {
    const cause: Cause = { is: 'promoted', version: event.data.version, trigger: await triggerOf(tx, event.data) }
    return (await weigh(tx, event.data, cause, event)) ? done : drop('the model is not applied here')
  }

/** While it bakes a version answers everything; whether it stays is not said yet. */
export const onBaking =
  ({ weigh }: { weigh: Weigh }): Handler<Rollout> =>
  async (event, tx) =>
    (await weigh(tx, event.data, { is: 'serving', version: event.data.version }, event))
      ? done
      : drop('the model is not applied here')

export const onRolledBack =
  ({ weigh }: { weigh: Weigh }): Handler<Rollout> =>
  async (event, tx) => {
    const { version, champion } = event.data
    const cause: Cause = { is: 'rolled back', version, champion, trigger: await triggerOf(tx, event.data) }
    return (await weigh(tx, event.data, cause, event)) ? done : drop('the model is not applied here')
  }
