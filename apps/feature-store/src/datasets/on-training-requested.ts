import { type DataOf, type trainingRequested } from '@cascata/events'
import { done, type Handler } from '@cascata/messaging'
import { addDataset } from './datasets.store.ts'

/** Notes that a run needs its dataset; the loop of datasets builds it. */
export const onTrainingRequested: Handler<DataOf<typeof trainingRequested>> = async (
  { id, correlationid, traceparent, data: { namespace, model, revision, run } },
  tx,
) => {
  await addDataset(tx, {
    id: `d-${run}`,
    namespace,
    model,
    revision,
    run,
    cause: { id, correlationid, traceparent },
    request: { is: 'model' },
  })
  return done
}
