import { type Cause, type DataOf, type datasetBuilt, type TrainingCause, type Trigger } from '@cascata/events'
import { type Input, type Model } from '@cascata/resources'
import { type Comparison } from '../gates/decide-gates.ts'
import { type Figures, type Gate } from '../gates/figures.ts'
import { type BuildPlan } from '../reproductions/build-record.ts'
import { type Exit } from '../executor/executor.ts'

export type RunState =
  'requested' | 'building' | 'training' | 'gating' | 'refitting' | 'approved' | 'rejected' | 'failed' | 'cancelled'

/** States in which the conductor has something to do. */
export const atWork: readonly RunState[] = ['training', 'gating', 'refitting']
export const ended: readonly RunState[] = ['approved', 'rejected', 'failed', 'cancelled']

export interface Failure {
  code: string
  message: string
}

/** One start of a job, kept for the record. */
export interface Attempt {
  job: string
  what: 'train' | 'refit'
  attempt: number
  exit: Exit | null
}

/** What a run found out so far. */
export interface RunDetails {
  attempts?: Attempt[]
  progress?: { share: number; metrics: Record<string, number> }
  /** The version that a client registered, and that this run only judges. */
  registered?: { version: string }
  /** Observations there were when the dataset was built. */
  labels?: { ripe: number; labelled: number }
  mlflow?: { experiment: string; run: string }
  /** What it is trained with, besides its data. */
  build?: BuildPlan
  champion?: string | null
  /** What the trainer wrote as metrics.json: logged, never trusted. */
  trainer?: Record<string, unknown>
  gates?: Gate[]
  comparison?: Comparison
  figures?: Figures
  refitGates?: Gate[]
  evidence?: string
  why?: string | null
}

/** A run as it is kept. Times are ISO 8601. */
export interface Run {
  id: string
  namespace: string
  model: string
  revision: number
  state: RunState
  trigger: Trigger
  causes: TrainingCause[]
  episode: string | null
  priority: number
  spec: Model['spec']
  /** Inputs of the model as of the request, in the order of the spec. */
  inputs: Input[]
  /** The event that what is said next is caused by: the newest of this run. */
  causedBy: Cause | null
  requestedAt: string
  startedAt: string | null
  endedAt: string | null
  stageAt: string
  attempt: number
  /** Registered, and a person has to say yes. */
  awaiting: boolean
  cancel: string | null
  token: string
  fingerprint: string | null
  dataset: DataOf<typeof datasetBuilt> | null
  details: RunDetails
  failure: Failure | null
  version: string | null
}
