import { FeatureStore1764000100000 } from './migrations/1764000100000-feature-store.ts'
import { ModelRevisions1764000200000 } from './migrations/1764000200000-model-revisions.ts'

/** All changes of the schema, in the order in which they are applied. */
export const migrations = [FeatureStore1764000100000, ModelRevisions1764000200000]
