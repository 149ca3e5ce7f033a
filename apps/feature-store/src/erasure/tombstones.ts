import { type Database } from '@cascata/messaging'
import { type Value, type View } from '../feature-views/view.ts'
import { encodeKey } from '../ingest/entity-key.ts'
import { emptyBatch, type RowBatch } from '../ingest/row-batch.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { type Erasure, pendingErasures } from './erasures.store.ts'

/** Greater than that of any partition: a row of the same instant loses to the erasure. */
const last = 65_535

/** What makes look-ups of erased entities answer NOT_FOUND, and rows that come late lose. */
export function tombstonesOf(view: View, erasures: readonly Pick<Erasure, 'entity' | 'erasedAt'>[]): RowBatch {
  const batch = emptyBatch(view)
  for (const { entity, erasedAt } of erasures) {
    const values = new Map(entity)
    if (values.size !== view.entity.length || !view.entity.every(({ name }) => values.has(name))) continue
    const row = view.fields.map((field) => valueOf(field, values.get(field.name)))
    batch.keys.push(encodeKey(view.entity.map(({ name }) => row[view.fields.findIndex((field) => field.name === name)]!)))
    batch.values.forEach((column, index) => column.push(row[index]!))
    batch.eventTimes.push(erasedAt)
    batch.availableAts.push(erasedAt)
    batch.partitions.push(last)
    batch.epochs.push(last)
    batch.offsets.push(0)
    batch.deleted.push(true)
    batch.count += 1
    batch.deletes += 1
  }
  return batch
}

const valueOf = ({ type }: View['fields'][number], text: string | undefined): Value => {
  if (text === undefined) return null
  if (type === 'string') return text
  if (type === 'bool') return text === 'true'
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** Writes the tombstones of erasures that are under way: again and again, as the online store may have been lost since. */
export async function writeTombstones(db: Database, online: OnlineStore, view: View): Promise<void> {
  const pending = await pendingErasures(db, view)
  if (pending.length > 0) await online.write(tombstonesOf(view, pending))
}
