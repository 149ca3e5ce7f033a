import { type Trigger, type TrainingCause } from '@cascata/events'
import { type ModelSpec } from '@cascata/resources'

/** What of a Model decides when it is trained. */
export interface TrainingPolicy {
  when: ModelSpec['retrain']['when']
  limits: ModelSpec['retrain']['limits']
  /** Ripe labelled rows before the first training. */
  minRows: number
  /** Hash of what makes a model another one: features, request values, label, trainer, parameters, code, seed, rows. */
  fingerprint: string
}

/** How many labels there are, by the feature store's counters; `cutoff` in ms of data time. */
export interface LabelCount {
  ripe: number
  labelled: number
  cutoff: number
}

/** A finding that is open; `cause` is how a training that answers it will name it. */
export interface OpenFinding {
  finding: string
  episode: string
  type: string
  version: string | null
  cause: TrainingCause
}

/** Causes that lead to a training at `due`, when nothing comes between. */
export interface Waiting {
  trigger: Trigger
  causes: TrainingCause[]
  episode: string | null
  since: number
  due: number
}

/** Why nothing is trained though nobody paused it. */
export type Phase = { is: 'open' } | { is: 'suspended'; since: number; reason: string }

/** The run that works, and the labels its dataset has seen; null until that is built. */
export interface ActiveRun {
  run: string
  trigger: Trigger
  labels: { labelled: number; cutoff: number } | null
}

/** Everything that decides about a model's trainings: one row, locked by whoever changes it. Wall times in ms since 1970. */
export interface TrainingState {
  namespace: string
  model: string
  revision: number
  policy: TrainingPolicy
  phase: Phase
  pausedBy: string | null
  /** Open findings that forbid trainings. */
  frozenBy: { finding: string; episode: string; type: string }[]
  /** Open findings that ask for a training. */
  findings: OpenFinding[]
  /** Episodes that a training answered already; the newest last. */
  answered: string[]
  labels: LabelCount | null
  /** What the last dataset had seen. */
  last: { labelled: number; cutoff: number } | null
  waiting: Waiting | null
  /** The run that is asked for and not started. */
  queued: { run: string; triggers: Trigger[] } | null
  active: ActiveRun | null
  /** Version that answers all requests; findings about others are ignored. */
  served: string | null
  /** By trigger: when a run of it last ended, and how many in a row ended without promotion. */
  history: Partial<Record<Trigger, { endedAt: number; failures: number }>>
  /** Runs in a row that ended without promotion. */
  failures: number
  /** When runs were asked for, within the last 24 h. */
  requestedAt: number[]
  nextSchedule: number | null
  /** The time of the timetable that has just come; only while deciding. */
  scheduleDue: number | null
  /** What was refused and said already, so that it is said once. */
  refused: string[]
}

/** Something that happened and may lead to a training. */
export type Cause =
  | { is: 'labels'; event: TrainingCause; labels: LabelCount }
  | { is: 'finding opened'; event: TrainingCause; finding: Omit<OpenFinding, 'cause'> }
  | { is: 'finding closed'; finding: string; reason: string }
  | { is: 'spec'; event: TrainingCause; revision: number; policy: TrainingPolicy }
  | { is: 'manual'; event: TrainingCause }
  | { is: 'tick' }
  | { is: 'dataset built'; run: string; labels: { labelled: number; cutoff: number } }
  | { is: 'started'; run: string; trigger: Trigger }
  | { is: 'ended'; run: string; trigger: Trigger; outcome: Outcome }
  | { is: 'serving'; version: string }
  | { is: 'promoted'; version: string; trigger: Trigger | null }
  | { is: 'rolled back'; version: string; champion: string | null; trigger: Trigger | null }
  | { is: 'pause'; by: string }
  | { is: 'resume'; by: string }

/** How a run ended. `approved` and `inconclusive` are no failure: the rollout tells. `spared`: an identical run was done before. */
export type Outcome = 'approved' | 'inconclusive' | 'rejected' | 'failed' | 'cancelled' | 'spared'

/** What the shell does about a decision, in the transaction that saves the state. */
export type Effect =
  | { is: 'request'; run: string; trigger: Trigger; causes: TrainingCause[]; episode: string | null }
  | { is: 'coalesce'; into: string; cause: TrainingCause }
  | { is: 'refuse'; reason: string; cause: TrainingCause }
  | { is: 'cancel'; run: string; reason: string }
  | { is: 'frozen' | 'unfrozen'; reason: string; episode: string }
  | { is: 'suspended'; reason: string }
  | { is: 'paused' | 'resumed'; reason: string; by: string }

export interface Decision {
  next: TrainingState
  effects: Effect[]
  /** When to decide again though nothing happens (ms since 1970); null: never. */
  wakeAt: number | null
}

/** A model that was never trained. */
export const newTrainingState = (namespace: string, model: string, revision: number, policy: TrainingPolicy): TrainingState => ({
  namespace,
  model,
  revision,
  policy,
  phase: { is: 'open' },
  pausedBy: null,
  frozenBy: [],
  findings: [],
  answered: [],
  labels: null,
  last: null,
  waiting: null,
  queued: null,
  active: null,
  served: null,
  history: {},
  failures: 0,
  requestedAt: [],
  nextSchedule: null,
  scheduleDue: null,
  refused: [],
})
