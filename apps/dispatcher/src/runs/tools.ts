import { type Database } from '@cascata/messaging'
import { type Clock, type Logger } from '@cascata/service'
import { type DispatcherConfig } from '../config.ts'
import { type Executor } from '../executor/executor.ts'
import { type DispatcherMetrics } from '../metrics.ts'
import { type Weigh } from '../triggers/apply-decision.ts'
import { type FeatureStoreClient } from '../upstream/feature-store.ts'
import { type MlflowClient } from '../upstream/mlflow.ts'
import { type RegistryClient } from '../upstream/registry.ts'

/** What working on a run needs. */
export interface Tools {
  db: Database
  weigh: Weigh
  executor: Executor
  registry: RegistryClient
  featureStore: FeatureStoreClient
  mlflow: MlflowClient
  clock: Clock
  config: DispatcherConfig
  log: Logger
  metrics: DispatcherMetrics
}

/** The run was changed by somebody else, or is to be cancelled: stop working on it. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

/** A run can't go on, and trying again won't help. */
export class RunFailed extends Error {
  override name = 'RunFailed'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
