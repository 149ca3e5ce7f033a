import { InvalidRequest } from '../protocol/invalid-request.ts'
import { notByEntity } from '../errors.ts'
import { type ServedVersion } from '../routing/model-pool.ts'
import { sourcesOf, type Scalar, type Source, type Spec } from './columns.ts'
import { type FeatureRow } from './feature-rows.ts'
import { rowScorer, type RowScorer } from './row-scorer.ts'
import { requestValue, type PredictRequest } from './validate-predict.ts'

/** How a version is asked by entity. */
export interface VersionColumns {
  sources: readonly Source[]
  /** `view:field` */
  references: readonly string[]
  scorer: RowScorer
}

/** One row as a version sees it. */
export interface Row {
  columns: Record<string, Scalar>
  /** Columns without a value. */
  missing: string[]
}

/** What a version needs by entity, derived once for each edition of the resources. @throws CodedError INF_NOT_BY_ENTITY */
export function columnsOfVersions() {
  const known = new WeakMap<ServedVersion, { edition: number; columns: VersionColumns }>()
  return (version: ServedVersion, spec: Spec, edition: number): VersionColumns => {
    const last = known.get(version)
    if (last?.edition === edition) return last.columns
    const { signature, layout, loaded, inputs } = version
    if (!signature || !layout)
      throw notByEntity({
        model: version.model,
        version: version.version,
        reason: 'its signature does not map columns to its inputs',
      })
    const sources = sourcesOf(signature.inputs, spec)
    const references = sources.flatMap((source) => (source.is === 'feature' ? [source.reference] : []))
    const columns = { sources, references, scorer: last?.columns.scorer ?? rowScorer(loaded, inputs, layout, signature) }
    known.set(version, { edition, columns })
    return columns
  }
}

/** @throws InvalidRequest when a request value is of another type, or is not there and must be; INF_FEATURES_MISSING by `onMissing: fail` */
export function rowOf(
  { sources }: VersionColumns,
  version: ServedVersion,
  spec: Spec,
  request: PredictRequest,
  index: number,
  features: FeatureRow,
): Row {
  const columns: Record<string, Scalar> = {}
  const missing: string[] = []
  for (const source of sources) {
    const { column } = source
    const value =
      source.is === 'feature'
        ? (features.values.get(source.reference) ?? null)
        : requestValue(column, source.type, request.request[column]?.[index])
    columns[column] = value
    if (value !== null) continue
    missing.push(column)
    if (source.is === 'request' && version.notNull.has(column))
      throw new InvalidRequest(
        'INF_REQUEST_VALUE_MISSING',
        `\`request.${column}\` is absent; version ${version.version} needs it.`,
        { name: column, row: index },
      )
  }
  if (spec.model.spec.onMissing === 'fail' && missing.length > 0) refuseAbsent(sources, missing, index, features)
  return { columns, missing }
}

/** A null that is there (NULL_VALUE) is a value; what was not found, or too old, is missing. */
function refuseAbsent(sources: readonly Source[], missing: readonly string[], row: number, features: FeatureRow): void {
  const absent = sources.flatMap((source) => {
    if (source.is !== 'feature' || !missing.includes(source.column)) return []
    const status = features.statuses.get(source.reference) ?? 'NOT_FOUND'
    return status === 'NULL_VALUE' || status === 'PRESENT' ? [] : [{ feature: source.reference, status }]
  })
  if (absent.length > 0)
    throw new InvalidRequest(
      'INF_FEATURES_MISSING',
      `Row ${row} lacks ${absent.map(({ feature, status }) => `${feature} (${status})`).join(', ')}.`,
      { row, missing: absent },
    )
}
