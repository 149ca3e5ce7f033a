import { type TrainingCause, type Trigger } from '@cascata/events'
import { absorb } from './absorb.ts'
import { budgetFrom, cooledDown, debounced } from './limits.ts'
import { strongest } from './order.ts'
import { nextRunOf } from './schedule.ts'
import { type Cause, type Decision, type Effect, type TrainingState, type Waiting } from './training-state.ts'

/** What the decision can't make itself. `run` is the id that a run would get. */
export interface Given {
  now: number
  run: string
}

/**
 * Whether a cause leads to a training, waits, or is absorbed.
 *
 * First the cause becomes part of the state; then, from strongest to weakest: what nobody asks for, what is forbidden, what a pending
 * run absorbs, what limits postpone, what is requested. Policies: docs/concepts/triggers.md.
 */
export function decideTraining(state: TrainingState, cause: Cause, given: Given): Decision {
  const { next, effects } = absorb(state, cause, given.now)
  const asked = asks(next, cause, state.policy.fingerprint)
  const waiting = joined(next.waiting, asked, given.now)
  if (!waiting) return finish(next, effects, given.now)

  const forbidden = forbiddenBy(next)
  if (forbidden) return refuse({ ...next, waiting: keptWhile(forbidden, waiting) }, effects, forbidden, asked, given.now)
  if (next.queued) return coalesce({ ...next, waiting: null }, effects, asked, given.now)

  const due = dueOf(next, waiting, given.now)
  if (due > given.now) return finish({ ...next, waiting: { ...waiting, due } }, effects, given.now)
  return request(next, effects, waiting, given)
}

interface Ask {
  trigger: Trigger
  cause: TrainingCause
  episode: string | null
}

/** What asks for a training now. Growth and age are asked for by the labels that ripened, not by the clock. */
function asks(state: TrainingState, cause: Cause, fingerprint: string): Ask[] {
  switch (cause.is) {
    case 'manual':
      return [{ trigger: 'manual', cause: cause.event, episode: null }]
    case 'spec':
      return hasEnoughRows(state) && cause.policy.fingerprint !== fingerprint
        ? [{ trigger: 'specChanged', cause: cause.event, episode: null }]
        : []
    case 'labels':
      return [...askedByLabels(state, cause.event), ...askedByFindings(state)]
    case 'finding opened':
      return askedByFindings(state)
    case 'tick':
      return askedBySchedule(state)
    default:
      return []
  }
}

const hasEnoughRows = ({ labels, policy }: TrainingState): boolean => (labels?.labelled ?? 0) >= policy.minRows

function askedByLabels(state: TrainingState, event: TrainingCause): Ask[] {
  const { policy, labels } = state
  const seen = seenLabels(state)
  if (!labels || (state.active && !state.active.labels)) return []
  const ask = (trigger: Trigger, summary: string): Ask => ({ trigger, cause: { ...event, trigger, summary }, episode: null })
  if (!seen)
    return hasEnoughRows(state) ? [ask('newLabels', `${labels.labelled} labelled rows: enough for the first training`)] : []
  const grown = labels.labelled - seen.labelled
  const growth = policy.when.newLabels
  const needed =
    growth === null ? Infinity : 'rows' in growth ? growth.rows : Math.max(1, Math.ceil(growth.share * seen.labelled))
  if (grown >= needed) return [ask('newLabels', `${grown} new labelled rows since the last dataset of ${seen.labelled}`)]
  const age = labels.cutoff - seen.cutoff
  if (policy.when.maxAge !== null && age >= policy.when.maxAge && grown >= policy.limits.minNewLabels)
    return [ask('maxAge', `the last dataset ends ${Math.floor(age / 3_600_000)} h before the newest ripe labels`)]
  return []
}

/** What the newest dataset has seen: that of the run at work, else the last one's. */
const seenLabels = ({ active, last }: TrainingState) => active?.labels ?? last

/** Findings wait for labels to learn from; one training an episode. */
function askedByFindings(state: TrainingState): Ask[] {
  const seen = seenLabels(state)
  if (!state.labels || !seen || state.labels.labelled - seen.labelled < state.policy.limits.minNewLabels) return []
  return state.findings
    .filter(({ episode }) => !state.answered.includes(episode))
    .map(({ cause, episode }) => ({ trigger: cause.trigger, cause, episode }))
}

const askedBySchedule = (state: TrainingState): Ask[] =>
  state.scheduleDue && hasEnoughRows(state)
    ? [
        {
          trigger: 'schedule',
          cause: {
            id: `schedule-${state.scheduleDue}`,
            type: 'schedule',
            trigger: 'schedule',
            at: new Date(state.scheduleDue).toISOString(),
          },
          episode: null,
        },
      ]
    : []

/** The causes that wait, with what is asked now; a trigger that waits already is not counted twice. */
function joined(waiting: Waiting | null, asked: Ask[], now: number): Waiting | null {
  const known = new Set(waiting?.causes.map(({ trigger }) => trigger))
  const fresh = asked.filter(({ trigger }) => !known.has(trigger))
  if (fresh.length === 0) return waiting
  const causes = [...(waiting?.causes ?? []), ...fresh.map(({ cause }) => cause)]
  const trigger = strongest(causes)
  const episode = fresh.find((each) => each.trigger === trigger)?.episode ?? waiting?.episode ?? null
  return { trigger, causes, episode, since: waiting?.since ?? now, due: waiting?.due ?? now }
}

type Forbidden = 'suspended' | 'paused' | 'frozen'

function forbiddenBy({ phase, pausedBy, frozenBy }: TrainingState): Forbidden | undefined {
  if (phase.is === 'suspended') return 'suspended'
  if (pausedBy !== null) return 'paused'
  return frozenBy.length > 0 ? 'frozen' : undefined
}

/** A freeze and a pause end; what asked meanwhile is asked again then. A person is told at once instead. */
function keptWhile(forbidden: Forbidden, waiting: Waiting): Waiting | null {
  const causes = forbidden === 'suspended' ? [] : waiting.causes.filter(({ trigger }) => trigger !== 'manual')
  return causes.length > 0 ? { ...waiting, causes, trigger: strongest(causes) } : null
}

function refuse(next: TrainingState, effects: Effect[], reason: Forbidden, asked: Ask[], now: number): Decision {
  const unsaid = asked.filter(({ trigger }) => trigger === 'manual' || !next.refused.includes(`${reason} ${trigger}`))
  const refused = [...new Set([...next.refused, ...unsaid.map(({ trigger }) => `${reason} ${trigger}`)])]
  return finish({ ...next, refused }, [...effects, ...unsaid.map(({ cause }): Effect => ({ is: 'refuse', reason, cause }))], now)
}

function coalesce(next: TrainingState, effects: Effect[], asked: Ask[], now: number): Decision {
  const queued = next.queued as NonNullable<TrainingState['queued']>
  const fresh = asked.filter(({ trigger }) => trigger === 'manual' || !queued.triggers.includes(trigger))
  const triggers = [...new Set([...queued.triggers, ...fresh.map(({ trigger }) => trigger)])]
  const answered = withEpisodes(next.answered, fresh)
  const absorbed = fresh.map(({ cause }): Effect => ({ is: 'coalesce', into: queued.run, cause }))
  return finish({ ...next, answered, queued: { ...queued, triggers } }, [...effects, ...absorbed], now)
}

/** A person's wish goes first; a changed spec waits only to be applied in full and for the day's budget. */
function dueOf(state: TrainingState, { trigger, since, causes }: Waiting, now: number): number {
  if (trigger === 'manual') return now
  const settled = Math.max(debounced(state, since, causes), budgetFrom(state, now))
  return trigger === 'specChanged' ? settled : Math.max(settled, cooledDown(state, trigger, now))
}

function request(next: TrainingState, effects: Effect[], { trigger, causes, episode }: Waiting, { now, run }: Given): Decision {
  const asked: TrainingState = {
    ...next,
    waiting: null,
    queued: { run, triggers: [...new Set(causes.map((cause) => cause.trigger))] },
    answered: withEpisodes(
      next.answered,
      next.findings.filter((finding) => causes.some(({ id }) => id === finding.cause.id)),
    ),
    requestedAt: [...next.requestedAt, now],
    refused: [],
  }
  return finish(asked, [...effects, { is: 'request', run, trigger, causes, episode }], now)
}

const withEpisodes = (answered: string[], of: { episode: string | null }[]): string[] =>
  [...new Set([...answered, ...of.flatMap(({ episode }) => (episode === null ? [] : [episode]))])].slice(-100)

/** Closes a decision: the schedule's next time, and when to look again. */
function finish(state: TrainingState, effects: Effect[], now: number): Decision {
  const { schedule } = state.policy.when
  const nextSchedule = schedule === null ? null : nextRunOf(schedule, now)
  const times = [nextSchedule, forbiddenBy(state) ? null : state.waiting?.due].filter((time) => typeof time === 'number')
  return { next: { ...state, nextSchedule, scheduleDue: null }, effects, wakeAt: times.length > 0 ? Math.min(...times) : null }
}
