import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { labelsRipened, resourceApplied } from '@cascata/events'
import { bell, type Database, fact, latestAll, notifications, pause, ringAfter, type Tx } from '@cascata/messaging'
import { parseReference, type ModelSpec } from '@cascata/resources'
import { type Logger } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { type ViewRows } from '../datasets/history-sql.ts'
import { findView, revisionsOf, type StoredView } from '../feature-views/views.store.ts'
import { iso } from '../ingest/validate-times.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type Duck, literal, openDuck } from '../offline/duckdb.ts'
import { type Segment, type SegmentStore } from '../offline/segments.store.ts'
import { openRipeness, type Ripeness, type RipenessRule, type RipenessState } from './ripeness-state.ts'

/** Segments that are taken in at once, per view: it bounds the memory of catching up. */
const segmentsAtOnce = 100

export interface RipenerParts {
  readonly config: FeatureStoreConfig
  readonly db: Database
  readonly segments: SegmentStore
  /** The service's folder. */
  readonly folder: string
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
}

interface Counted {
  readonly namespace: string
  readonly model: string
  readonly revision: number
  readonly rule: RipenessRule
  readonly observations: StoredView
  readonly labels: StoredView
}

/** Rung when rows are there, so that whichever replica counts does so at once. */
const channel = 'ripeness'

/**
 * Counts, for every model, the observations that are ripe and how many of them are labelled, as rows come and watermarks move,
 * and says so when it changes. One replica does it; its counters are a file that is made again from the segments when it is lost.
 */
export function ripener(parts: RipenerParts) {
  const rung = bell()
  const { log } = parts

  const run = async (signal: AbortSignal): Promise<void> => {
    const folder = join(parts.folder, 'ripeness')
    await mkdir(folder, { recursive: true })
    const duck = await openDuck({ folder: parts.folder, name: 'ripeness', memory: parts.config.ripenessMemory, threads: 1 })
    const open = new Map<string, RipenessState>()
    const listening = notifications(parts, channel, rung.ring)
    try {
      while (!signal.aborted) {
        let failed = false
        for (const counted of await modelsOf(parts.db)) {
          if (signal.aborted) return
          await advance(parts, counted, (name) => stateOf(duck, folder, open, name, counted)).catch((error: unknown) => {
            failed = true
            log.warn(
              { model: `${counted.namespace}/${counted.model}`, err: error },
              'ripe labels could not be counted, and are again',
            )
          })
        }
        if (failed) await pause(2_000, signal)
        await rung.wait(500, signal)
      }
    } finally {
      await listening.stop()
      for (const state of open.values()) state.close()
      duck.close()
    }
  }
  return { run, ringAfter: (tx: Tx) => ringAfter(tx, channel) }
}

/** The models whose two views are there. */
async function modelsOf(db: Database): Promise<Counted[]> {
  const models: Counted[] = []
  for (const { data } of await latestAll(db, resourceApplied)) {
    if (data.kind !== 'Model') continue
    const { namespace, name: model, revision } = data
    const spec = data.spec as unknown as ModelSpec
    if (!spec.label || !spec.observations) continue
    const label = parseReference(spec.label.field)
    const observations = await findView(db, namespace, spec.observations.view)
    const labels = await findView(db, namespace, label.view)
    if (!observations || !labels) continue
    const { at, lead } = spec.observations
    models.push({
      namespace,
      model,
      revision,
      rule: { at, lead, labelField: label.field, within: spec.label.within },
      observations,
      labels,
    })
  }
  return models
}

/** Names the counters by everything that they depend on: when it changes, they begin anew. */
const stateName = ({ namespace, model, rule, observations, labels }: Counted): string => {
  const basis = [rule, ...[observations, labels].map(({ view, state }) => [view.id, state.historyGeneration])]
  return `${namespace}.${model}.${createHash('sha256').update(JSON.stringify(basis)).digest('hex').slice(0, 16)}`
}

async function stateOf(
  duck: Duck,
  folder: string,
  open: Map<string, RipenessState>,
  name: string,
  { namespace, model, rule }: Counted,
): Promise<RipenessState> {
  const present = open.get(name)
  if (present) return present
  const own = `${namespace}.${model}.`
  for (const [other, state] of open) {
    if (!other.startsWith(own)) continue
    state.close()
    open.delete(other)
    const closing = await duck.connect()
    await closing.run(`detach database if exists "${other}"`)
    closing.closeSync()
  }
  for (const file of await readdir(folder)) {
    if (file.startsWith(own) && !file.startsWith(`${name}.`)) await rm(join(folder, file), { force: true, recursive: true })
  }
  const connection = await duck.connect()
  const alias = `"${name}"`
  const path = join(folder, `${name}.duckdb`)
  const attach = () => connection.run(`attach if not exists ${literal(path)} as ${alias}`)
  await attach().catch(async (error: Error) => {
    // The counters can be made again; those that another process still holds are waited for.
    if (/lock/i.test(error.message)) throw error
    await Promise.all([path, `${path}.wal`].map((file) => rm(file, { force: true })))
    await attach()
  })
  await connection.run(`use ${alias}`)
  const state = await openRipeness(connection, rule)
  open.set(name, state)
  return state
}

/** Takes in what came since the last time, and says what it came to. */
async function advance(parts: RipenerParts, counted: Counted, stateFor: (name: string) => Promise<RipenessState>): Promise<void> {
  const { db, segments } = parts
  const { rule, observations, labels } = counted
  const state = await stateFor(stateName(counted))
  for (;;) {
    const { observations: seen, labels: read } = await state.progress()
    const { watermark, arrived, said, flushed } = await db.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read, read only')
      const now = await findView(tx, counted.namespace, labels.view.name)
      const observed = await findView(tx, counted.namespace, observations.view.name)
      return {
        flushed: { labels: now?.state.lastFlush, observations: observed?.state.lastFlush },
        watermark: now?.view.id === labels.view.id ? now.state.watermark : null,
        arrived: await segments.list(tx, observations.view.id, { after: seen, limit: segmentsAtOnce }),
        said: await segments.list(tx, labels.view.id, { after: read, limit: segmentsAtOnce }),
      }
    })
    const more = arrived.length >= segmentsAtOnce || said.length >= segmentsAtOnce
    const cutoff = watermark === null || more ? null : watermark - rule.within
    if (arrived.length === 0 && said.length === 0 && cutoff === null) return
    const arrivals =
      arrived.length + said.length === 0
        ? null
        : {
            observations: await rowsIn(parts, observations, arrived),
            labels: await rowsIn(parts, labels, said),
            upTo: { observations: arrived.at(-1)?.position ?? seen, labels: said.at(-1)?.position ?? read },
            again: [...arrived, ...said].some(({ compacted }) => compacted),
          }
    const counts = await state.advance(arrivals, cutoff)
    const cause = arrived.length > 0 && said.length === 0 ? flushed.observations : flushed.labels
    if (cutoff !== null) return say(parts, counted, counts, { cutoff, cause })
    if (!more) return
  }
}

async function rowsIn({ db, segments }: RipenerParts, { view }: StoredView, files: readonly Segment[]): Promise<ViewRows> {
  await segments.fetch(files)
  const revisions = await revisionsOf(db, view.id)
  return {
    view,
    whole: files,
    cut: [],
    snapshot: [],
    fieldsOf: (revision) => new Set(Object.keys(revisions.get(revision)?.fields ?? {})),
  }
}

/** Publishes the counters when they, or the cutoff, have changed; `cause` is the fact of the rows that changed them. */
async function say(
  { db, metrics }: RipenerParts,
  { namespace, model, revision }: Counted,
  { ripe, labelled }: Ripeness,
  { cutoff, cause }: { cutoff: number; cause: string | null | undefined },
): Promise<void> {
  const changed = await db.transaction(async (tx) => {
    const saved = await tx.query(
      `insert into ripeness (namespace, model, revision, ripe, labelled, cutoff) values ($1, $2, $3, $4, $5, $6)
       on conflict (namespace, model) do update set revision = $3, ripe = $4, labelled = $5, cutoff = $6
        where (ripeness.ripe, ripeness.labelled, ripeness.cutoff) is distinct from ($4::bigint, $5::bigint, $6::bigint) returning 1 as one`,
      [namespace, model, revision, ripe, labelled, cutoff],
    )
    const ripened = { namespace, model, revision, ripe, labelled, cutoff: iso(cutoff) }
    const causedBy = cause ? { id: cause, correlationid: cause } : undefined
    if (saved.length > 0) await tx.publish(fact(labelsRipened, ripened), { causedBy })
    return saved.length > 0
  })
  if (!changed) return
  metrics.ripe.set({ namespace, model, kind: 'ripe' }, ripe)
  metrics.ripe.set({ namespace, model, kind: 'labelled' }, labelled)
}
