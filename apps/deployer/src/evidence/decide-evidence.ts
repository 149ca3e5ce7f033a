import { jensenShannon, sampleRatio, sequentialMeans, sequentialProportions } from '@cascata/statistics'
import { type Plan } from '../rollouts/deployment.ts'
import { type Arm, latencyEdge, type Pairs, type Sparse, type StepStatistics, totalOf } from './arm.ts'

/** What cannot be known from a Model. */
export interface Judgement {
  /** Level of each sequential test over all looks together. */
  alpha: number
  /** p99 that grows by less than this, in ms, is never a harm: it lies within the noise of a machine. */
  latencyFloorMs: number
  /** A candidate that fails more often than this goes back at once. */
  hardStop: number
}

export const usualJudgement: Judgement = { alpha: 0.05, latencyFloorMs: 5, hardStop: 0.2 }

/** The case for or against a candidate in its step. */
export interface Evidence {
  units: number
  requests: { champion: number; candidate: number }
  errors: { champion: number; candidate: number; difference: number; pValue: number; paired: boolean }
  latencyP99: { champion: number | null; candidate: number | null; pValue: number }
  /** Jensen–Shannon distance of the scores, less what chance alone makes of so few of them. */
  shift: number | null
  sampleRatio: { champion: number; candidate: number; pValue: number } | null
  pairs: { n: number; differ: number; meanDistance: number | null }
  /** Why the candidate has to go back; null when nothing says so. */
  harm: string | null
  /** Whether every figure that exists is within its bound. */
  within: boolean
  /** Whether units fell to both sides as the split said: when not, no figure can be trusted. */
  trusted: boolean
}

/** Requests of each side before latency or scores are compared. */
const leastCompared = 100
/** Requests of the candidate before its errors can stop it at once. */
const leastForHardStop = 20
/** Level of the sample-ratio check: a false alarm stops a good rollout, so it has to be sure. */
const sampleRatioAlpha = 0.001

const rate = (count: number, of: number) => (of === 0 ? 0 : count / of)

/** Errors of both sides: pairwise when the same requests were scored by both (less variance), else as two samples. */
const compareErrors = (champion: Arm, candidate: Arm, pairs: Pairs) => {
  const rates = { champion: rate(champion.errors, champion.requests), candidate: rate(candidate.errors, candidate.requests) }
  if (pairs.n >= leastCompared && pairs.n >= candidate.requests * 0.9) {
    const mean = (pairs.onlyCandidateFailed - pairs.onlyChampionFailed) / pairs.n
    const square = (pairs.onlyCandidateFailed + pairs.onlyChampionFailed) / pairs.n
    const variance = Math.max(square - mean * mean, 1 / pairs.n)
    const { pValue } = sequentialMeans({ n: pairs.n, mean: 0, variance: 0 }, { n: pairs.n, mean, variance })
    return { ...rates, difference: mean, pValue, paired: true }
  }
  const { pValue } = sequentialProportions(
    { successes: champion.errors, n: champion.requests },
    { successes: candidate.errors, n: candidate.requests },
  )
  return { ...rates, difference: rates.candidate - rates.champion, pValue, paired: false }
}

/** The upper edge of the bin that holds the p-quantile. */
const quantileOf = (latency: Sparse, p: number): number | null => {
  const total = totalOf(latency)
  let left = total * p
  for (const bin of Object.keys(latency).sort((a, b) => Number(a) - Number(b))) {
    left -= latency[bin]!
    if (left <= 0) return latencyEdge(bin)
  }
  return null
}

const countAbove = (latency: Sparse, ms: number): number =>
  totalOf(Object.fromEntries(Object.entries(latency).filter(([bin]) => latencyEdge(bin) > ms * (1 + 1e-9))))

/**
 * Whether the candidate is slower than its bound. With L the most that its p99 may be, at most one answer in a hundred may take longer:
 * an always-valid test of that share against the champion's share above its own p99.
 */
const compareLatency = (champion: Arm, candidate: Arm, { guard }: Plan, { latencyFloorMs }: Judgement) => {
  const own = quantileOf(champion.latency, 0.99)
  const p99 = { champion: own, candidate: quantileOf(candidate.latency, 0.99) }
  const [n, m] = [totalOf(champion.latency), totalOf(candidate.latency)]
  if (own === null || Math.min(n, m) < leastCompared) return { ...p99, pValue: 1, slower: false, compared: false }
  const bound = Math.max(own * (1 + guard.latencyP99), own + latencyFloorMs)
  const { pValue, difference } = sequentialProportions(
    { successes: countAbove(champion.latency, own), n },
    { successes: countAbove(candidate.latency, bound), n: m },
  )
  return { ...p99, pValue: difference > 0 ? pValue : 1, slower: (p99.candidate ?? 0) > bound, compared: true }
}

/**
 * √(JSD − b) with b the mean that the divergence has when nothing differs: (k − 1)(1/n + 1/m)/8 nats for k occupied bins
 * (first order of the χ² approximation), so that few scores don't look like a shift.
 */
export const shiftOf = (champion: Sparse, candidate: Sparse): number | null => {
  const [n, m] = [totalOf(champion), totalOf(candidate)]
  if (Math.min(n, m) < leastCompared) return null
  const bins = [...new Set([...Object.keys(champion), ...Object.keys(candidate)])]
  const counts = (of: Sparse) => bins.map((bin) => (Object.hasOwn(of, bin) ? of[bin]! : 0))
  const chance = ((bins.length - 1) * (1 / n + 1 / m)) / 8
  return Math.sqrt(Math.max(0, jensenShannon(counts(champion), counts(candidate)) ** 2 - chance))
}

const compareRatio = (champion: Arm, candidate: Arm, share: number) => {
  if (share <= 0 || share >= 1) return null
  const { pValue } = sampleRatio([champion.assigned, candidate.assigned], [1 - share, share])
  return { champion: champion.assigned, candidate: candidate.assigned, pValue }
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

/**
 * Weighs a candidate against the champion on what its step has seen.
 *
 * Every test is always valid: it may be looked at as often as one likes. `share` is the candidate's part of the traffic.
 * Method: reference of mSPRT in libs/statistics (`sequentialProportions`, τ = 0.01).
 */
export const decideEvidence = (
  plan: Plan,
  share: number,
  { champion, candidate, pairs }: StepStatistics,
  judgement: Judgement = usualJudgement,
): Evidence => {
  const errors = compareErrors(champion, candidate, pairs)
  const latency = compareLatency(champion, candidate, plan, judgement)
  const shift = shiftOf(champion.scores, candidate.scores)
  const ratio = compareRatio(champion, candidate, share)
  const surelyMoreErrors = errors.pValue < judgement.alpha && errors.difference > plan.guard.errors
  const tooMany =
    candidate.requests >= leastForHardStop &&
    errors.candidate > judgement.hardStop &&
    errors.candidate - errors.champion > plan.guard.errors

  const harm = (): string | null => {
    if (tooMany) return `${percent(errors.candidate)} of its requests failed, the champion's ${percent(errors.champion)}`
    if (surelyMoreErrors)
      return `errors ${percent(errors.candidate)} against ${percent(errors.champion)}, p ${errors.pValue.toPrecision(2)}`
    if (latency.slower && latency.pValue < judgement.alpha)
      return `p99 latency ${latency.candidate!.toFixed(1)} ms against ${latency.champion!.toFixed(1)} ms`
    if (
      shift !== null &&
      shift > plan.guard.shift &&
      Math.min(totalOf(champion.scores), totalOf(candidate.scores)) >= leastCompared * 2
    )
      return `scores shifted by ${shift.toFixed(2)}, at most ${plan.guard.shift} may be`
    return null
  }
  return {
    units: candidate.units,
    requests: { champion: champion.requests, candidate: candidate.requests },
    errors,
    latencyP99: { champion: latency.champion, candidate: latency.candidate, pValue: latency.pValue },
    shift,
    sampleRatio: ratio,
    pairs: { n: pairs.n, differ: pairs.differ, meanDistance: pairs.n === 0 ? null : pairs.distance / pairs.n },
    harm: harm(),
    within: errors.difference <= plan.guard.errors && !latency.slower && (shift === null || shift <= plan.guard.shift),
    trusted: ratio === null || ratio.pValue >= sampleRatioAlpha,
  }
}
