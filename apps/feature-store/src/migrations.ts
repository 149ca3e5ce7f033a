import { FeatureServices1764000710000 } from './migrations/1764000710000-feature-services.ts'
import { FeatureStore1764000100000 } from './migrations/1764000100000-feature-store.ts'
import { LastFlush1764000720000 } from './migrations/1764000720000-last-flush.ts'
import { ModelRevisions1764000200000 } from './migrations/1764000200000-model-revisions.ts'
import { Imports1764000600000 } from './migrations/1764000600000-imports.ts'
import { Windows1764000800000 } from './migrations/1764000800000-windows.ts'
import { Upkeep1764000300000 } from './migrations/1764000300000-upkeep.ts'

/** All changes of the schema, in the order in which they are applied. */
export const migrations = [
  FeatureStore1764000100000,
  ModelRevisions1764000200000,
  Upkeep1764000300000,
  Imports1764000600000,
  FeatureServices1764000710000,
  LastFlush1764000720000,
  Windows1764000800000,
]
