import { type Database, type Producer } from '@cascata/messaging'
import { type Clock, requireAccess } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { pushInvalid, pushRejected, pushSourceNotFound, pushTooLarge, pushUnavailable, viewNotFound } from '../errors.ts'
import { qualified, type View } from '../feature-views/view.ts'
import { findView, listViews } from '../feature-views/views.store.ts'
import { compileValidator, type RawRecord } from '../ingest/validate-rows.ts'
import { type Frame, lengthFault, rowsOf } from './decide-rows.ts'

export interface PushParts {
  readonly db: Database
  readonly producer: Producer
  readonly clock: Clock
  readonly config: Pick<FeatureStoreConfig, 'maxPushRows'>
}

export interface Pushed {
  readonly namespace: string
  /** A view; or, when `orTopic`, what its rows are pushed to: the topic of some views. */
  readonly name: string
  readonly orTopic: boolean
  readonly frame: Frame
}

/** Messages that may wait for Kafka before another push is refused. */
const maxPending = 1_000_000
const shown = 20

/**
 * Validates rows as the ingestion will and sends them to the topic of their view, all or none.
 * Resolves when Kafka has them: every in-sync replica has acknowledged each row.
 */
export async function push(
  { db, producer, clock, config }: PushParts,
  { namespace, name, orTopic, frame }: Pushed,
): Promise<void> {
  const views = await viewsOf(db, namespace, name, orTopic)
  for (const view of views) requireAccess(view.namespace, view.name)
  const fault = lengthFault(frame)
  if (fault !== undefined) throw pushInvalid({ problem: fault })
  const [view] = views as [View]
  const rows = rowsOf(frame, view)
  if (rows.length > config.maxPushRows)
    throw pushTooLarge({ rows: rows.length, limit: config.maxPushRows, setting: 'FEATURE_STORE_MAX_PUSH_ROWS' })
  if (rows.length === 0) return
  const values = rows.map((row) => Buffer.from(exactJson(row)))
  const now = clock.now()
  for (const each of views) check(each, values, now)
  if (producer.pending > maxPending) throw pushUnavailable()
  const messages = rows.map((row, index) => ({ key: keyOf(view, row), value: values[index]! }))
  await producer.send({ topic: view.spec.source.topic, messages }).catch((error: unknown) => {
    throw pushUnavailable({}, { cause: error })
  })
}

async function viewsOf(db: Database, namespace: string, name: string, orTopic: boolean): Promise<View[]> {
  const stored = await findView(db, namespace, name)
  const found = stored
    ? [stored.view]
    : orTopic
      ? (await listViews(db))
          .map(({ view }) => view)
          .filter((view) => view.namespace === namespace && view.spec.source.topic === name)
      : []
  if (found.length === 0)
    throw orTopic ? pushSourceNotFound({ source: name.slice(0, 200) }) : viewNotFound({ view: `${namespace}/${name}` })
  const other = found.find(({ spec }) => spec.source.format !== 'json')
  if (other)
    throw pushInvalid({ problem: `the topic of ${qualified(other)} holds ${other.spec.source.format}, and a push sends JSON` })
  return found
}

function check(view: View, values: readonly Buffer[], now: number): void {
  const records = values.map((value, offset): RawRecord => ({
    partition: 0,
    epoch: 0,
    offset,
    timestamp: now,
    key: null,
    value,
    headers: {},
  }))
  const { rejects } = compileValidator(view).take(records, now)
  if (rejects.length === 0) return
  const rows = rejects.slice(0, shown).map(({ record: row, code, field, message }) => ({ row, code, field, message }))
  throw pushRejected({ view: qualified(view), rejected: rejects.length, rows })
}

/** Rows of an entity stay in order, and a record of this key without a value deletes it. */
const keyOf = (view: View, row: Record<string, unknown>): string =>
  exactJson(Object.fromEntries(view.spec.entity.map((name) => [name, row[name]])))

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** JSON whose integers keep every digit. */
const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? rawJSON(String(each)) : each))
