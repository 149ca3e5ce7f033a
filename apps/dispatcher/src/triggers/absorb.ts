import { type TrainingCause, type Trigger } from '@cascata/events'
import { strongest } from './order.ts'
import { type Cause, type Effect, type Outcome, type TrainingState } from './training-state.ts'

const day = 86_400_000
const failuresToSuspend = 5

/** Findings about the data: broken data looks like drift, and would pass a gate on a broken holdout. */
const freezing = new Set(['data-invalid', 'data-gap', 'freshness', 'skew'])
const asking: Record<string, Trigger> = { drift: 'drift', performance: 'performance' }

interface Absorbed {
  next: TrainingState
  effects: Effect[]
}

/** The state with the cause in it, and what follows whatever is decided about training. */
export function absorb(state: TrainingState, cause: Cause, now: number): Absorbed {
  const recent = { ...state, requestedAt: state.requestedAt.filter((time) => time > now - day) }
  switch (cause.is) {
    case 'labels':
      return quietly({ ...recent, labels: newer(recent.labels, cause.labels) })
    case 'finding opened':
      return openFinding(recent, cause.finding, cause.event)
    case 'finding closed':
      return closeFinding(recent, cause.finding, cause.reason)
    case 'spec':
      return applySpec(recent, cause)
    case 'tick':
      return quietly({
        ...recent,
        scheduleDue: recent.nextSchedule !== null && recent.nextSchedule <= now ? recent.nextSchedule : null,
      })
    case 'started':
      return quietly({
        ...recent,
        queued: recent.queued?.run === cause.run ? null : recent.queued,
        active: { run: cause.run, trigger: cause.trigger, labels: null },
      })
    case 'dataset built':
      return quietly(
        recent.active?.run === cause.run ? { ...recent, active: { ...recent.active, labels: cause.labels } } : recent,
      )
    case 'ended':
      return end(recent, cause.run, cause.trigger, cause.outcome, now)
    case 'serving':
      return quietly({ ...recent, served: cause.version })
    case 'promoted':
      return quietly({ ...recent, served: cause.version, ...triumph(recent) })
    case 'rolled back':
      return fail({ ...recent, served: cause.champion ?? recent.served }, cause.trigger, now)
    case 'pause':
      return {
        next: { ...recent, pausedBy: cause.by },
        effects: recent.pausedBy === null ? [{ is: 'paused', reason: `paused by ${cause.by}`, by: cause.by }] : [],
      }
    case 'resume':
      return resume(recent, cause.by, `resumed by ${cause.by}`)
    case 'manual':
      return quietly(recent)
  }
}

const quietly = (next: TrainingState): Absorbed => ({ next, effects: [] })

const newer = (known: TrainingState['labels'], said: NonNullable<TrainingState['labels']>) =>
  known && known.cutoff > said.cutoff ? known : said

function openFinding(
  state: TrainingState,
  finding: Omit<TrainingState['findings'][number], 'cause'>,
  event: TrainingCause,
): Absorbed {
  const { type, version } = finding
  if (freezing.has(type)) return freeze(state, finding)
  const trigger = asking[type]
  if (!trigger || (version !== null && state.served !== null && version !== state.served)) return quietly(state)
  if (!state.policy.when[trigger === 'drift' ? 'drift' : 'performance']) return quietly(state)
  const others = state.findings.filter((each) => each.finding !== finding.finding)
  return quietly({ ...state, findings: [...others, { ...finding, cause: { ...event, trigger } }] })
}

/** What runs is stopped as well: its dataset may hold what is broken. */
function freeze(state: TrainingState, { finding, episode, type }: { finding: string; episode: string; type: string }): Absorbed {
  if (state.frozenBy.some((each) => each.finding === finding)) return quietly(state)
  const next = { ...state, frozenBy: [...state.frozenBy, { finding, episode, type }] }
  const said: Effect[] = state.frozenBy.length === 0 ? [{ is: 'frozen', reason: type, episode }] : []
  const stopped: Effect[] = state.active ? [{ is: 'cancel', run: state.active.run, reason: `frozen: ${type}` }] : []
  return { next, effects: [...said, ...stopped] }
}

function closeFinding(state: TrainingState, finding: string, reason: string): Absorbed {
  const open = state.findings.filter((each) => each.finding !== finding)
  const gone = state.findings.filter((each) => each.finding === finding)
  const causes = state.waiting?.causes.filter(({ id }) => !gone.some((each) => each.cause.id === id)) ?? []
  const waiting = state.waiting && causes.length > 0 ? { ...state.waiting, causes, trigger: strongest(causes) } : null
  const freezers = state.frozenBy.filter((each) => each.finding !== finding)
  const closed = state.frozenBy.find((each) => each.finding === finding)
  const next = { ...state, findings: open, waiting, frozenBy: freezers }
  if (!closed || freezers.length > 0) return quietly(next)
  return { next: { ...next, refused: [] }, effects: [{ is: 'unfrozen', reason, episode: closed.episode }] }
}

/** Another fingerprint is another experiment: what was suspended or backed off was about the old one, and its run is of no use any more. */
function applySpec(state: TrainingState, { revision, policy }: Cause & { is: 'spec' }): Absorbed {
  const changed = policy.fingerprint !== state.policy.fingerprint
  const next = { ...state, revision, policy }
  if (!changed) return quietly(next)
  const fresh: TrainingState = { ...next, history: {}, failures: 0, phase: { is: 'open' }, refused: [] }
  const resumed: Effect[] = state.phase.is === 'suspended' ? [{ is: 'resumed', reason: 'the spec was changed', by: 'apply' }] : []
  const stopped: Effect[] = state.active ? [{ is: 'cancel', run: state.active.run, reason: 'the spec was changed' }] : []
  return { next: fresh, effects: [...resumed, ...stopped] }
}

function end(state: TrainingState, run: string, trigger: Trigger, outcome: Outcome, now: number): Absorbed {
  const mine = state.active?.run === run ? state.active : null
  const ended: TrainingState = {
    ...state,
    active: mine ? null : state.active,
    queued: state.queued?.run === run ? null : state.queued,
    last: outcome === 'cancelled' ? state.last : (mine?.labels ?? state.last),
  }
  if (outcome === 'rejected' || outcome === 'failed') return fail(ended, trigger, now)
  if (outcome === 'cancelled')
    return quietly({
      ...ended,
      answered: ended.answered.filter((episode) => !ended.findings.some((each) => each.episode === episode)),
    })
  const failures = ended.history[trigger]?.failures ?? 0
  return quietly({ ...ended, history: { ...ended.history, [trigger]: { endedAt: now, failures } } })
}

const triumph = ({ history }: TrainingState): Pick<TrainingState, 'failures' | 'history'> => ({
  failures: 0,
  history: Object.fromEntries(Object.entries(history).map(([trigger, past]) => [trigger, { ...past, failures: 0 }])),
})

/** One more run without promotion. */
function fail(state: TrainingState, trigger: Trigger | null, now: number): Absorbed {
  const failures = state.failures + 1
  const past = trigger ? { [trigger]: { endedAt: now, failures: (state.history[trigger]?.failures ?? 0) + 1 } } : {}
  const next: TrainingState = { ...state, failures, history: { ...state.history, ...past } }
  if (failures < failuresToSuspend || state.phase.is === 'suspended') return quietly(next)
  const reason = `${failures} runs in a row ended without promotion`
  return {
    next: { ...next, phase: { is: 'suspended', since: now, reason }, waiting: null },
    effects: [{ is: 'suspended', reason }],
  }
}

/** A person let it go on: paused and suspended alike, with a clean slate. */
function resume(state: TrainingState, by: string, reason: string): Absorbed {
  const stopped = state.pausedBy !== null || state.phase.is === 'suspended'
  const next: TrainingState = { ...state, pausedBy: null, phase: { is: 'open' }, refused: [] }
  if (!stopped) return quietly(next)
  const clean = state.phase.is === 'suspended' ? triumph(state) : {}
  return { next: { ...next, ...clean }, effects: [{ is: 'resumed', reason, by }] }
}
