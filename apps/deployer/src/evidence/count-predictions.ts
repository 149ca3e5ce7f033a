import { type DataOf, type predictionMade } from '@cascata/events'
import { murmur3 } from '@cascata/statistics'
import { add, type Arm, emptyArm, latencyBin, scoreBin } from './arm.ts'

export type Prediction = DataOf<typeof predictionMade>

/** One side of a pair that waits for the other. */
export interface Half {
  prediction: string
  candidate: boolean
  failed: boolean
  output: string
  score: number | null
}

/** What a batch adds to one step of one rollout. */
export interface StepCount {
  rollout: string
  step: number
  /** By version. */
  arms: Map<string, { arm: Arm; scored: Set<bigint>; assigned: Set<bigint> }>
  /** Event times, Unix ms, of what the split gave to one side by chance. */
  randomised: { from: number; to: number } | null
  halves: Half[]
}

const bytes = new TextEncoder()

/** 64 bits of a unit, signed as Postgres has it: enough to tell some ten thousand apart. */
export const unitHash = (unit: string): bigint => {
  const text = bytes.encode(unit)
  return BigInt.asIntN(64, (BigInt(murmur3(text, 1)) << 32n) | BigInt(murmur3(text, 2)))
}

const scoreOf = ({ output, probability }: Prediction): number | null =>
  typeof probability === 'number' ? probability : typeof output === 'number' ? output : null

const halfOf = (prediction: Prediction): Half => ({
  prediction: prediction.id,
  candidate: prediction.role === 'shadow',
  failed: prediction.error !== undefined,
  output: JSON.stringify(prediction.output).slice(0, 200),
  score: prediction.error === undefined ? scoreOf(prediction) : null,
})

const countInto = (count: StepCount, prediction: Prediction): void => {
  const { version, role, error, latencyMs, output, probability, unit, bucket, propensity } = prediction
  const side = count.arms.get(version) ?? { arm: emptyArm(), scored: new Set<bigint>(), assigned: new Set<bigint>() }
  count.arms.set(version, side)
  side.arm.requests += 1
  if (error !== undefined) side.arm.errors += 1
  else {
    add(side.arm.latency, latencyBin(latencyMs))
    add(side.arm.scores, scoreBin(output, probability))
  }
  side.scored.add(unitHash(unit))
  if (role !== 'shadow' && bucket !== null) side.assigned.add(unitHash(unit))
  if (role !== 'shadow' && bucket !== null && propensity > 0 && propensity < 1) {
    const at = Date.parse(prediction.at)
    count.randomised = { from: Math.min(count.randomised?.from ?? at, at), to: Math.max(count.randomised?.to ?? at, at) }
  }
  if (role === 'shadow' || role === 'champion') count.halves.push(halfOf(prediction))
}

/**
 * Counts predictions by the step of the rollout in which they were made.
 *
 * A fallback is the champion's answer in the candidate's place: it counts for nobody, as the candidate's failure is there already.
 */
export const countPredictions = (predictions: Iterable<Prediction>): StepCount[] => {
  const counts = new Map<string, StepCount>()
  for (const prediction of predictions) {
    const { rollout, step, role } = prediction
    if (rollout === undefined || step === undefined || role === 'fallback') continue
    const key = `${step} ${rollout}`
    const count = counts.get(key) ?? { rollout, step, arms: new Map(), randomised: null, halves: [] }
    counts.set(key, count)
    countInto(count, prediction)
  }
  return [...counts.values()].sort((a, b) => (a.rollout === b.rollout ? a.step - b.step : a.rollout < b.rollout ? -1 : 1))
}
