import { type Tx } from '@cascata/messaging'
import { type Cause } from '../triggers/training-state.ts'
import { type ModelName } from './models.store.ts'

type Labels = Extract<Cause, { is: 'labels' }>

/** Labels of a model whose resource has not been seen yet: it travels on another topic, and the watermark may never move again. */
export async function keepEarlyLabels(tx: Tx, { namespace, model }: ModelName, cause: Labels): Promise<void> {
  await tx.query(
    `insert into early_labels (namespace, model, cause) values ($1, $2, $3) on conflict (namespace, model) do update set cause = excluded.cause`,
    [namespace, model, JSON.stringify(cause)],
  )
}

export async function takeEarlyLabels(tx: Tx, { namespace, model }: ModelName): Promise<Labels | undefined> {
  const rows = await tx.query<{ cause: Labels }>('delete from early_labels where namespace = $1 and model = $2 returning cause', [
    namespace,
    model,
  ])
  return rows[0]?.cause
}
