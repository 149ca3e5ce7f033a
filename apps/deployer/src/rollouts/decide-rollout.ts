import { type Evidence } from '../evidence/decide-evidence.ts'
import { type Deployment, type Plan, type Rollout, type VersionState } from './deployment.ts'

/** How a version did in service against the champion, on ripe labels of randomised rows. Positive is better for the version. */
export interface Realised {
  metric: string
  rows: number
  difference: number
  interval: readonly [low: number, high: number]
}

/** What is known when a rollout is looked at. */
export interface Look {
  now: number
  /** Of the step under way; null when nothing was seen in it. */
  evidence: Evidence | null
  /** Only in bake, once its end is reached; null when no randomised row got a label. */
  realised?: Realised | null
}

/** What becomes of a rollout. `reason` is for people. */
export type Verdict = { is: 'stay' } | { is: 'forward' | 'back' | 'hold' | 'complete'; reason: string }

const stay: Verdict = { is: 'stay' }
const forward = (reason: string): Verdict => ({ is: 'forward', reason })
const back = (reason: string): Verdict => ({ is: 'back', reason })
const hold = (reason: string): Verdict => ({ is: 'hold', reason })
const complete = (reason: string): Verdict => ({ is: 'complete', reason })

/** Least units that a shadow phase must have seen: its length is a matter of time, but silence proves nothing. */
const leastInShadow = 50

/** Units the candidate must have scored before a step ends. */
export const unitsNeeded = ({ units }: Plan, step: number): number => (step === 0 ? Math.min(units, leastInShadow) : units)

/**
 * What becomes of a rollout at a look: back on harm, forward on evidence, never forward on silence.
 *
 * A checklist from strongest to weakest. Harm counts in every phase, also while a person has paused it. Policy: docs/concepts/rollout.md.
 */
export const decideRollout = (rollout: Rollout, version: VersionState, cutoff: number | null, look: Look): Verdict => {
  const { phase, plan } = rollout
  if (!plan) return stay
  switch (phase.is) {
    case 'baking':
      return decideBake(rollout, plan, version, cutoff, look)
    case 'paused':
      return look.evidence?.harm ? back(look.evidence.harm) : stay
    case 'held':
      return decideStep(plan, phase.step, Number.POSITIVE_INFINITY, look, true)
    case 'shadow':
      return decideStep(plan, 0, look.now - phase.since, look, false)
    case 'step':
      return decideStep(plan, phase.step, look.now - phase.since, look, false)
    case 'pending':
    case 'completed':
    case 'rolledback':
    case 'superseded':
      return stay
    default:
      return phase satisfies never
  }
}

const decideStep = (plan: Plan, step: number, elapsed: number, { evidence }: Look, held: boolean): Verdict => {
  if (evidence?.harm) return back(evidence.harm)
  if (evidence && !evidence.trusted)
    return held ? stay : hold('units did not fall to both versions as the split says: no figure can be trusted')
  if (elapsed < (step === 0 ? plan.shadow : plan.minMs)) return stay

  const needed = unitsNeeded(plan, step)
  if (evidence && evidence.units >= needed && evidence.within) return forward(`no harm on ${evidence.units} units`)
  if (held || elapsed < Math.max(plan.maxMs, step === 0 ? plan.shadow : 0)) return stay
  return decideInconclusive(plan, evidence, needed)
}

const decideInconclusive = ({ onInconclusive }: Plan, evidence: Evidence | null, needed: number): Verdict => {
  const reason = `inconclusive: ${evidence?.units ?? 0} of ${needed} units${evidence && !evidence.within ? ', a figure is out of its bound' : ''}`
  if (onInconclusive === 'rollback') return back(reason)
  if (onInconclusive === 'promote' && evidence && evidence.units > 0) return forward(reason)
  return hold(reason)
}

/** Whether the labels of all randomised predictions had the time to ripen: their label view's watermark has passed the last one and the bake. */
export const bakeIsDue = ({ plan, randomised }: Rollout, cutoff: number | null): boolean =>
  plan !== null &&
  plan.bake !== null &&
  randomised !== null &&
  cutoff !== null &&
  cutoff + plan.within >= randomised.to + plan.bake

const decideBake = (
  rollout: Rollout,
  plan: Plan,
  version: VersionState,
  cutoff: number | null,
  { evidence, realised }: Look,
): Verdict => {
  if (evidence?.harm) return back(evidence.harm)
  const finding = Object.values(version.findings).find((type) => type === 'performance' || type === 'fairness')
  if (finding) return back(`a finding of ${finding} in bake`)
  if (!bakeIsDue(rollout, cutoff) || realised === undefined) return stay
  if (realised === null) return complete('no randomised prediction got a label')

  const { metric, rows, difference, interval } = realised
  const seen = `${metric} ${difference >= 0 ? '+' : ''}${difference.toFixed(4)} [${interval.map((end) => end.toFixed(4)).join(', ')}] on ${rows} ripe rows`
  return interval[1] < 0 && difference < -plan.margin
    ? back(`worse in service: ${seen}`)
    : complete(`not worse in service: ${seen}`)
}

/** Whether the rollout under way waits for the monitor's word. */
export const wantsRealised = ({ rollout, cutoff }: Deployment): boolean =>
  rollout?.phase.is === 'baking' && bakeIsDue(rollout, cutoff)
