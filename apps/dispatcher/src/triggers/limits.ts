import { type TrainingCause, type Trigger } from '@cascata/events'
import { BUCKETS, bucketOf } from '@cascata/statistics'
import { type TrainingState } from './training-state.ts'

const minute = 60_000
const day = 86_400_000
const longestCooldown = 7 * day

/**
 * End of the fixed delay from the first cause, with a jitter of at most a tenth of it: models that share a view don't all start at once.
 * The next cause does not restart it: a stream would never fire.
 */
export function debounced({ policy, namespace, model }: TrainingState, since: number, causes: TrainingCause[]): number {
  const { debounce } = policy.limits
  const jitter = (debounce / 10) * (bucketOf(`${namespace}/${model}`, causes[0]?.id ?? '') / BUCKETS)
  return since + debounce + Math.floor(jitter)
}

/** Wait after a run of a trigger: the cooldown, doubled by each run in a row that ended without promotion, at most 7 d. */
export function cooldownOf(cooldown: number, failures: number): number {
  if (failures === 0) return cooldown
  const doubled = cooldown > 0 ? cooldown * 2 ** failures : minute * 2 ** (failures - 1)
  return Math.min(doubled, Math.max(longestCooldown, cooldown))
}

/** When a trigger may train again; a run of it that is at work still has to end, so its cooldown has not begun. */
export function cooledDown({ history, active, policy }: TrainingState, trigger: Trigger, now: number): number {
  const { cooldown } = policy.limits
  const past = history[trigger]
  const since = past ? past.endedAt + cooldownOf(cooldown, past.failures) : 0
  return active?.trigger === trigger ? Math.max(since, now + cooldown) : since
}

/** When the day's budget has room again. */
export function budgetFrom({ requestedAt, policy }: TrainingState, now: number): number {
  const recent = requestedAt.filter((time) => time > now - day)
  if (recent.length < policy.limits.perDay) return 0
  return (recent[recent.length - policy.limits.perDay] as number) + day
}
