import { type DataOf, type entityErased } from '@cascata/events'
import { done, type Handler } from '@cascata/messaging'
import { record } from './audit.store.ts'

/** Puts an erasure on record: who had what erased from where, and what still holds it. Of the key itself only the hash is known here. */
export const onEntityErased: Handler<DataOf<typeof entityErased>> = async ({ time, data }, tx) => {
  const { namespace, view, by, erasure, keySha256, deadline, datasets, versions } = data
  await record(tx, {
    who: by,
    action: 'entity.erased',
    namespace,
    subject: `FeatureView/${namespace}/${view}`,
    details: {
      erasure,
      keySha256,
      erasedAt: time,
      deadline,
      datasets: datasets.map(({ id }) => id),
      versions: versions.map(({ model, version }) => `${model}/${version}`),
    },
  })
  return done
}
