/** How a rollout goes, fixed when it is approved: a later revision of the Model concerns the next one. Durations in ms, shares 0 to 1. */
export interface Plan {
  revision: number
  /** Wall time beside the champion before it answers anything; 0 skips it. */
  shadow: number
  /** Shares of the traffic, growing, without the last one of 1. */
  steps: number[]
  /** Units that the candidate must have scored in a step. */
  units: number
  minMs: number
  maxMs: number
  onInconclusive: 'hold' | 'promote' | 'rollback'
  guard: { errors: number; latencyP99: number; shift: number }
  /** Data time after the last randomised prediction; null: no bake. */
  bake: number | null
  /** Data time until a label is ripe. */
  within: number
  /** How much worse the gate's metric may be in service before it counts. */
  margin: number
}

/** Where a rollout stands. `step` 0 is shadow, 1 the first share of the plan. Times are Unix ms. */
export type Phase =
  | { is: 'pending' }
  | { is: 'shadow'; since: number }
  | { is: 'step'; step: number; since: number }
  | { is: 'held'; step: number; since: number; reason: string }
  | { is: 'paused'; step: number; elapsed: number; by: string }
  | { is: 'baking'; since: number }
  | { is: 'completed' | 'rolledback' | 'superseded'; at: number; reason: string }

export type State = Phase['is']

export interface Rollout {
  id: string
  version: string
  /** Whom it is compared with; null for a first version. */
  champion: string | null
  /** How the gate saw it: what is inconclusive needs twice the units and goes back when still so. */
  comparison: 'passed' | 'inconclusive' | 'first' | 'skipped'
  plan: Plan | null
  phase: Phase
  /** Event times, Unix ms, of the first and the last prediction that the split gave to one side or the other by chance. */
  randomised: { from: number; to: number } | null
  evidence: Record<string, unknown>
}

/** What the platform knows of a version, as far as it concerns serving. */
export interface VersionState {
  standing: 'approved' | 'served' | 'rolledback' | 'rejected'
  loaded: boolean
  /** Findings about it that are open, by id. */
  findings: Record<string, string>
}

/** All that decides what serves for one model: the aggregate. */
export interface Deployment {
  namespace: string
  model: string
  /** Of the Model as seen last; null before any. */
  revision: number | null
  /** Of the Model as applied last; null while it is not applied. */
  plan: Plan | null
  deleted: boolean
  champion: string | null
  /** Champions before, the newest last; none that was rolled back. */
  history: string[]
  /** The rollout that brought the champion. */
  last: Rollout | null
  /** The rollout under way. */
  rollout: Rollout | null
  /** The newest approved that waits. */
  waiting: Rollout | null
  versions: Record<string, VersionState>
  /** Up to which `at` observations are ripe, Unix ms. */
  cutoff: number | null
}

export const newDeployment = (namespace: string, model: string): Deployment => ({
  namespace,
  model,
  revision: null,
  plan: null,
  deleted: false,
  champion: null,
  history: [],
  last: null,
  rollout: null,
  waiting: null,
  versions: {},
  cutoff: null,
})

export const isOver = ({ is }: Phase): boolean => is === 'completed' || is === 'rolledback' || is === 'superseded'

/** The step whose share holds: the last one + 1 in bake, where the version answers everything. */
export const stepOf = ({ phase, plan }: Pick<Rollout, 'phase' | 'plan'>): number => {
  switch (phase.is) {
    case 'step':
    case 'held':
    case 'paused':
      return phase.step
    case 'baking':
    case 'completed':
      return (plan?.steps.length ?? 0) + 1
    case 'pending':
    case 'shadow':
    case 'rolledback':
    case 'superseded':
      return 0
    default:
      return phase satisfies never
  }
}

/** The share of the traffic that the version of a rollout answers. */
export const shareOf = (rollout: Pick<Rollout, 'phase' | 'plan'>): number => {
  const step = stepOf(rollout)
  if (rollout.phase.is === 'baking' || rollout.phase.is === 'completed') return 1
  return step === 0 ? 0 : (rollout.plan?.steps[step - 1] ?? 0)
}
