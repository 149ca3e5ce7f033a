import { trainingFailed, type DataOf, type datasetBuilt, type datasetFailed } from '@cascata/events'
import { done, drop, fact, type Handler, ringAfter } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { lockModel } from '../models/models.store.ts'
import { type Weigh } from '../triggers/apply-decision.ts'
import { identityOf } from './advance.ts'
import { lockRun, updateRun } from './runs.store.ts'

interface Parts {
  weigh: Weigh
  clock: Clock
}

/** A run's dataset is there: its work can begin. What the dataset has seen is what later labels are counted from. */
export const onDatasetBuilt =
  ({ weigh, clock }: Parts): Handler<DataOf<typeof datasetBuilt>> =>
  async (event, tx) => {
    const { data } = event
    const model = await lockModel(tx, data)
    const run = await lockRun(tx, data.run)
    if (!run) return drop('the dataset is of no run of ours')
    if (run.state !== 'building') return drop(`the run is ${run.state}`)
    const causedBy = {
      id: event.id,
      correlationid: event.correlationid,
      ...(event.traceparent ? { traceparent: event.traceparent } : {}),
    }
    const counted = model?.labels ? { labels: { ripe: model.labels.ripe, labelled: model.labels.labelled } } : {}
    await updateRun(tx, run.id, { state: 'training', stageAt: new Date(clock.now()), dataset: data, causedBy }, counted)
    const labels = { labelled: model?.labels?.labelled ?? data.rows, cutoff: Date.parse(data.cutoff) }
    await weigh(tx, data, { is: 'dataset built', run: run.id, labels })
    await ringAfter(tx, 'conductor')
    return done
  }

export const onDatasetFailed =
  ({ weigh, clock }: Parts): Handler<DataOf<typeof datasetFailed>> =>
  async (event, tx) => {
    const { data } = event
    await lockModel(tx, data)
    const run = await lockRun(tx, data.run)
    if (!run) return drop('the dataset is of no run of ours')
    if (run.state !== 'building') return drop(`the run is ${run.state}`)
    const failure = { code: data.code, message: data.message }
    const now = new Date(clock.now())
    await updateRun(tx, run.id, { state: 'failed', stageAt: now, endedAt: now, failure })
    const said = { ...identityOf(run), run: run.id, attempt: 1, executor: 'process' as const, ...failure, logs: null }
    await tx.publish(fact(trainingFailed, said), { causedBy: event })
    await weigh(tx, data, { is: 'ended', run: run.id, trigger: run.trigger, outcome: 'failed' }, event)
    return done
  }
