import { type ModelSpec } from '@cascata/resources'
import { type Plan } from './deployment.ts'

/** The plan that a Model's spec makes. Shares of less than a bucket are left out. */
export const planOf = (revision: number, { rollout, gates, label }: ModelSpec): Plan => ({
  revision,
  shadow: rollout.shadow,
  steps: [...new Set(rollout.steps)].sort((a, b) => a - b),
  units: rollout.step.units,
  minMs: rollout.step.min,
  maxMs: rollout.step.max,
  onInconclusive: rollout.step.onInconclusive,
  guard: { ...rollout.guard },
  bake: rollout.bake,
  within: label.within,
  margin: gates.champion?.margin ?? 0,
})
