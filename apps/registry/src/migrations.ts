import { Resources1764000100000 } from './migrations/1764000100000-resources.ts'
import { Tracking1764000200000 } from './migrations/1764000200000-tracking.ts'
import { Versions1764000300000 } from './migrations/1764000300000-versions.ts'
import { Deliveries1764000610000 } from './migrations/1764000610000-deliveries.ts'
import { LoggedModelMetrics1764000400000 } from './migrations/1764000400000-logged-model-metrics.ts'
import { Records1764000600000 } from './migrations/1764000600000-records.ts'
import { Aliases1764000650000 } from './migrations/1764000650000-aliases.ts'
import { MetricsOfDatasets1764000660000 } from './migrations/1764000660000-metrics-of-datasets.ts'
import { SearchingRuns1764000510000 } from './migrations/1764000510000-searching-runs.ts'
import { Registrations1764000720000 } from './migrations/1764000720000-registrations.ts'
import { SealedSecrets1764000800000 } from './migrations/1764000800000-sealed-secrets.ts'

/** All migrations of the registry's schema, in their order. */
export const migrations = [
  Resources1764000100000,
  Tracking1764000200000,
  Versions1764000300000,
  LoggedModelMetrics1764000400000,
  SearchingRuns1764000510000,
  Aliases1764000650000,
  MetricsOfDatasets1764000660000,
  Records1764000600000,
  Deliveries1764000610000,
  Registrations1764000720000,
  SealedSecrets1764000800000,
]
