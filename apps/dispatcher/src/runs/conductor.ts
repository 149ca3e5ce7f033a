import { trainingFailed, trainingRequested } from '@cascata/events'
import { bell, fact, notifications } from '@cascata/messaging'
import { takeUpClientVersions } from '../client-versions/take-up.ts'
import { dueModels, findModel, lockModel, nextWake } from '../models/models.store.ts'
import { endRun, identityOf, say } from './advance.ts'
import { inFreezeWindow } from './freeze-windows.ts'
import { atWork, type Run } from './run.ts'
import { countWorking, lockRun, runsIn, startable, updateRun } from './runs.store.ts'
import { type Tools } from './tools.ts'
import { cancelRun, workRun } from './work-run.ts'

/** The loop looks again after this long though nobody rang. */
const longestWait = 1_000

/**
 * The duty that one replica has: wakes models whose time has come, starts runs within the fleet's cap, and works on those that have started.
 * What it knows lies in the database, so whoever takes the duty over goes on where it was left.
 */
export function conducting(tools: Tools) {
  const ringing = bell()
  const working = new Map<string, Promise<void>>()

  const run = async (signal: AbortSignal): Promise<void> => {
    const listening = notifications(tools, 'conductor', ringing.ring)
    try {
      while (!signal.aborted) {
        await wakeModels(tools)
        await watchWaiting(tools)
        await takeUpClientVersions(tools)
        await startRuns(tools)
        await takeUp(signal)
        await countStates(tools)
        const wake = await nextWake(tools.db)
        const wait = wake === null ? longestWait : Math.min(longestWait, Math.max(wake - tools.clock.now(), 5))
        await ringing.wait(wait, signal)
      }
    } finally {
      await Promise.allSettled(working.values())
      await listening.stop()
    }
  }

  const takeUp = async (signal: AbortSignal): Promise<void> => {
    for (const { id } of await runsIn(tools.db, atWork)) {
      if (working.has(id)) continue
      const work = workRun(tools, id, signal)
        .catch((cause: unknown) => tools.log.error({ run: id, err: cause }, 'a run is taken up again'))
        .finally(() => {
          working.delete(id)
          ringing.ring()
        })
      working.set(id, work)
    }
  }

  return { run, ring: ringing.ring }
}

async function wakeModels({ db, clock, weigh }: Tools): Promise<void> {
  for (const name of await dueModels(db, new Date(clock.now()))) await db.transaction((tx) => weigh(tx, name, { is: 'tick' }))
}

/** Starts runs while the fleet has room; those of stopped models wait. */
async function startRuns(tools: Tools): Promise<void> {
  const { db, config, clock } = tools
  const runs = await startable(db)
  if (runs.length === 0) return
  if (inFreezeWindow(config.freezeWindows, clock.now())) return
  let room = config.maxConcurrent - (await countWorking(db))
  for (const run of runs.filter(({ cancel }) => cancel === null)) {
    if (room <= 0) return
    if (await startRun(tools, run)) room--
  }
}

/** The cascade begins: `training.requested` is the cause of all that follows. */
async function startRun(tools: Tools, { id, ...name }: Run): Promise<boolean> {
  const { db, clock, weigh } = tools
  return db.transaction(async (tx) => {
    const model = await lockModel(tx, name)
    const run = await lockRun(tx, id)
    if (!model || !run || run.state !== 'requested') return false
    if (model.pausedBy !== null || model.frozenBy.length > 0 || model.phase.is === 'suspended') return false
    const requested = { ...identityOf(run), run: id, trigger: run.trigger, causes: run.causes, episode: run.episode }
    const causedBy = await say(tx, null, [(factId) => fact(trainingRequested, requested, { id: factId })])
    const now = new Date(clock.now())
    await updateRun(tx, id, { state: 'building', startedAt: now, stageAt: now, causedBy })
    await weigh(tx, name, { is: 'started', run: id, trigger: run.trigger })
    return true
  })
}

/** Runs that wait: cancelled ones end, and a dataset is waited for up to a limit. */
async function watchWaiting(tools: Tools): Promise<void> {
  const { db, clock, config } = tools
  for (const run of await runsIn(db, ['requested', 'building'])) {
    if (run.cancel !== null || !(await findModel(db, run))) {
      await cancelRun(tools, run)
      continue
    }
    if (run.state === 'requested' || clock.now() - Date.parse(run.stageAt) < config.datasetTimeout) continue
    const failure = {
      code: 'DISP_DATASET_TIMEOUT',
      message: `The dataset was not built within ${config.datasetTimeout / 1_000} s.`,
    }
    const said = { ...identityOf(run), run: run.id, attempt: 1, executor: 'process' as const, ...failure, logs: null }
    await endRun(tools, run, { to: 'failed', outcome: 'failed', failure, facts: [(id) => fact(trainingFailed, said, { id })] })
  }
}

const states = ['requested', 'building', 'training', 'gating', 'refitting'] as const

async function countStates({ db, metrics }: Tools): Promise<void> {
  const rows = await db.query<{ state: string; count: number }>(
    'select state, count(*)::int as count from run where ended_at is null group by state',
  )
  for (const state of states) metrics.working.set({ state }, rows.find((row) => row.state === state)?.count ?? 0)
  const [stopped] = await db.query<{ paused: number; frozen: number; suspended: number }>(
    `select count(*) filter (where state->>'pausedBy' is not null)::int as paused,
       count(*) filter (where jsonb_array_length(state->'frozenBy') > 0)::int as frozen,
       count(*) filter (where state->'phase'->>'is' = 'suspended')::int as suspended from training_model`,
  )
  for (const [why, count] of Object.entries(stopped ?? {})) metrics.stopped.set({ why }, count)
}
