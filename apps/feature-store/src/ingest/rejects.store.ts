import { type Database, type Tx } from '@cascata/messaging'
import { type Rejected } from './row-batch.ts'
import { type RawRecord } from './validate-rows.ts'

/** Most bytes of a rejected key or value that are kept. */
const keptBytes = 4096

/** Keeps a pointer to every rejected row, exactly; rows of one code and field share a line. */
export const addRejects = async (tx: Tx, viewId: number, topic: string, rejects: readonly Rejected[]): Promise<void> => {
  const groups = Map.groupBy(rejects, ({ partition, epoch, code, field }) =>
    JSON.stringify([partition, epoch, code, field ?? null]),
  )
  for (const [place, same] of groups) {
    const [partition, epoch, code, field] = JSON.parse(place) as [number, number, string, string | null]
    await tx.query(
      'insert into rejected (view_id, topic, partition, epoch, code, field, offsets) values ($1, $2, $3, $4, $5, $6, $7)',
      [viewId, topic, partition, epoch, code, field, same.map(({ offset }) => offset)],
    )
  }
}

/** Keeps what some rejected rows held, for a look at them. */
export const addPayloads = async (
  tx: Tx,
  viewId: number,
  topic: string,
  samples: readonly { reject: Rejected; record: Pick<RawRecord, 'key' | 'value'> }[],
): Promise<void> => {
  for (const { reject, record } of samples) {
    const { partition, epoch, offset, code, field = null, message = null } = reject
    await tx.query(
      `insert into rejected_payload (view_id, topic, partition, epoch, record_offset, code, field, message, key, value)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
      [
        viewId,
        topic,
        partition,
        epoch,
        offset,
        code,
        field,
        message,
        record.key?.subarray(0, keptBytes),
        record.value?.subarray(0, keptBytes),
      ],
    )
  }
}

/** The newest rejected rows of a view whose content was kept. */
export const listPayloads = (db: Pick<Database, 'query'>, viewId: number, limit: number) =>
  db.query<{
    topic: string
    partition: number
    epoch: number
    offset: number
    code: string
    field: string | null
    message: string | null
    key: string | null
    value: string | null
  }>(
    `select topic, partition, epoch, record_offset::float8 as offset, code, field, message,
            encode(key, 'escape') as key, encode(value, 'escape') as value
       from rejected_payload where view_id = $1 order by rejected_at desc, record_offset desc limit $2`,
    [viewId, limit],
  )

/** Grants a bounded number a minute. */
export const perMinute = (limit: number) => {
  let minute = Number.NaN
  let used = 0
  return (now: number, wanted: number): number => {
    const current = Math.floor(now / 60_000)
    if (current !== minute) {
      minute = current
      used = 0
    }
    const granted = Math.max(0, Math.min(wanted, limit - used))
    used += granted
    return granted
  }
}
