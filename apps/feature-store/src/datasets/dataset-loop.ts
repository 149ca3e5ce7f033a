import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { datasetBuilt, datasetFailed, type DataOf } from '@cascata/events'
import { bell, type Database, fact, type Messaging, notifications } from '@cascata/messaging'
import { type CodedError, isCodedError, type Logger, showDuration } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { datasetBroken, datasetEmpty, datasetInputBehind, datasetInvalid } from '../errors.ts'
import { iso } from '../ingest/validate-times.ts'
import { type FeatureStoreMetrics } from '../metrics.ts'
import { type Duck } from '../offline/duckdb.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { buildDataset, type BuildInput, EmptyDataset, UnusableSpine } from './build-dataset.ts'
import {
  datasetsChannel,
  type DatasetJob,
  type DatasetResult,
  endDataset,
  holdDataset,
  type Pinned,
  pinDataset,
  postponeDataset,
  takeDataset,
} from './datasets.store.ts'
import { decideEngine } from './decide-engine.ts'
import { type JobPlan, NotYetApplied, planJob } from './plan-job.ts'
import { behind, pinViews, viewSnapshot } from './snapshot.ts'
import { type Spark, sparkCommand } from './spark.ts'

/** How long a dataset belongs to the replica that builds it, unless it says it is alive, in ms. */
const lease = 60_000
/** How often the cursors are looked at while a dataset waits for them, in ms. */
const waitEvery = 100
/** Attempts that may fail for reasons that pass. */
const attempts = 8

export interface DatasetParts {
  readonly config: FeatureStoreConfig
  readonly db: Database
  readonly messaging: Messaging
  readonly segments: SegmentStore
  readonly duck: Duck
  /** Where datasets and spines lie. */
  readonly folders: { readonly datasets: string; readonly spines: string }
  readonly log: Logger
  readonly metrics: FeatureStoreMetrics
}

type Building = DatasetParts & { readonly spark: Spark | null }

export interface DatasetLoop {
  stop(): Promise<void>
}

/** Builds the datasets that were asked for, one at a time; what a replica that died had begun is begun again by another. */
export function startDatasets(started: DatasetParts): DatasetLoop {
  const { db, log, config } = started
  const stopping = new AbortController()
  const parts = { ...started, spark: config.spark === null ? null : sparkCommand(config.spark, stopping.signal) }
  const rung = bell()
  const listening = notifications(parts, datasetsChannel, rung.ring)

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      const job = await takeDataset(db, lease).catch(
        (error: unknown) => void log.warn({ err: error }, 'datasets could not be looked for'),
      )
      if (job) await work(parts, job)
      else await rung.wait(1_000, stopping.signal)
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await Promise.all([loop, listening.stop()])
    },
  }
}

/** One step of a dataset, as a checklist; it may be begun again at any line. */
async function work(parts: Building, job: DatasetJob): Promise<void> {
  const { db, log, messaging, config } = parts
  try {
    const plan = await planJob(db, job)
    const pinned = job.pinned ?? (await pinViews(db, messaging.topics, [...plan.views.values()]))
    if (!job.pinned) await pinDataset(db, job.id, pinned, config.datasetWait)
    const lacking = await behind(db, pinned, plan.views)
    if (lacking) return await waitOrFail(parts, job, lacking)
    const built = await build(parts, job, plan, pinned)
    await say(parts, job, built)
  } catch (error) {
    if (error instanceof NotYetApplied)
      return postponeDataset(db, job.id, 500, job.createdAt.getTime() < Date.now() - config.datasetWait)
    if (error instanceof UnusableSpine) return fail(parts, job, datasetInvalid({ problem: error.message }))
    if (error instanceof EmptyDataset) return fail(parts, job, datasetEmpty({ reason: error.message }))
    if (isCodedError(error) && !error.retry) return fail(parts, job, error)
    log.warn({ dataset: job.id, attempt: job.attempts + 1, err: error }, 'building a dataset failed')
    if (job.attempts + 1 >= attempts) return fail(parts, job, datasetBroken({}, { cause: error }))
    await postponeDataset(db, job.id, Math.min(30_000, 250 * 2 ** job.attempts), true).catch(() => delay(1_000))
  }
}

async function waitOrFail(
  parts: DatasetParts,
  job: DatasetJob,
  { view, missing }: { view: string; missing: number },
): Promise<void> {
  const { db, config } = parts
  if (job.waitUntil && job.waitUntil.getTime() < Date.now())
    return fail(parts, job, datasetInputBehind({ view, missing, waited: showDuration(config.datasetWait) }))
  await holdDataset(db, job.id, waitEvery, `waiting for ${missing} records of ${view}`)
  await delay(waitEvery)
}

async function build(
  parts: Building,
  job: DatasetJob,
  { plan, views, spine, max, split }: JobPlan,
  pinned: readonly Pinned[],
): Promise<DatasetResult> {
  const { db, duck, segments, folders, metrics, config, spark } = parts
  const end = metrics.datasetSeconds.startTimer()
  const alive = setInterval(() => void holdDataset(db, job.id, lease).catch(() => {}), lease / 4)
  try {
    const snapshots = new Map(
      await Promise.all(
        pinned.map(async (each) => [each.view, await viewSnapshot(db, segments, each, views.get(each.view)!)] as const),
      ),
    )
    const watermark = plan.label ? snapshots.get(plan.label.view.name)!.watermark : null
    const cutoff = plan.label && watermark !== null ? watermark - plan.label.within : null
    const rows = new Map([...snapshots].map(([name, snapshot]) => [name, snapshot.rows]))
    const input: BuildInput = {
      plan,
      views: rows,
      cutoff,
      max,
      split,
      spine:
        spine.is === 'observations'
          ? { is: 'observations', rows: rows.get(spine.view)!, at: spine.at, lead: spine.lead, history: spine.history }
          : { is: 'file', file: { path: join(folders.spines, `${spine.spine}.parquet`), columns: [...spine.columns] } },
    }
    const bytes = [...snapshots.values()].reduce((sum, snapshot) => sum + snapshot.bytes, 0)
    const engine = decideEngine(job.request.engine, bytes, { spark: spark !== null, above: config.sparkAbove })
    const hold = (step: string) => holdDataset(db, job.id, lease, step)
    const built = await buildDataset(duck, folders.datasets, input, hold, engine === 'spark' ? spark : null)
    return {
      ...built,
      snapshot: [...snapshots.values()].flatMap(({ snapshot }) => snapshot),
      cutoff: cutoff === null ? null : iso(cutoff),
    }
  } finally {
    clearInterval(alive)
    end()
  }
}

/** Run, dataset and model of a dataset that a run asked for; null for one that a person did. */
const identityOf = ({ id, namespace, model, revision, run }: DatasetJob) =>
  run !== null && model !== null && revision !== null ? { namespace, model, revision, dataset: id, run } : null

const causedBy = ({ cause }: DatasetJob) => (cause ? { causedBy: cause } : {})

async function say({ db, log, metrics }: DatasetParts, job: DatasetJob, result: DatasetResult): Promise<void> {
  const identity = identityOf(job)
  await db.transaction(async (tx) => {
    if (!(await endDataset(tx, job.id, { state: 'built', result })) || !identity) return
    const { hash, rows, snapshot, cutoff, split, profile } = result
    const data: DataOf<typeof datasetBuilt> = {
      ...identity,
      hash,
      rows,
      snapshot,
      cutoff: cutoff!,
      split: split!,
      profile: profile as unknown as Record<string, unknown>,
    }
    await tx.publish(fact(datasetBuilt, data), causedBy(job))
  })
  metrics.datasets.inc({ state: 'built' })
  log.info({ dataset: job.id, run: job.run, rows: result.rows, hash: result.hash, counts: result.counts }, 'a dataset was built')
}

async function fail({ db, log, metrics }: DatasetParts, job: DatasetJob, error: CodedError): Promise<void> {
  const { code, message } = error
  const identity = identityOf(job)
  await db.transaction(async (tx) => {
    if (!(await endDataset(tx, job.id, { state: 'failed', error: { code, message } })) || !identity) return
    await tx.publish(fact(datasetFailed, { ...identity, code, message }), causedBy(job))
  })
  metrics.datasets.inc({ state: 'failed' })
  log.warn({ dataset: job.id, run: job.run, code, message }, 'a dataset can not be built')
}
