/** A column of the newest rows (the holdout) beside the profile of the last model that passed its gates. */
export interface ColumnFigures {
  column: string
  type: string
  rows: number
  /** Shares of the newest rows. */
  missing: number
  /** Outside of the reference's least and greatest number, or not among its categories; null where the reference has no such bounds. */
  outside: number | null
  reference: { missing: number } | null
}

export interface DataFigures {
  rows: { train: number; validation: number; holdout: number }
  /** Columns that the spec wants, and those that the dataset has, with types. */
  expected: readonly { name: string; type: string }[]
  present: readonly { name: string; type: string }[]
  /** Distinct labels of the training rows, null for a number; a classifier needs two. */
  classes: number | null
  columns: readonly ColumnFigures[]
  /** Ripe and labelled observations, cumulative: now, and when the last dataset was built. */
  labels: { ripe: number; labelled: number } | null
  earlier: { ripe: number; labelled: number } | null
}

/** A violated expectation, by the name that TensorFlow Data Validation has for it. */
export interface Anomaly {
  anomaly:
    | 'SCHEMA_MISSING_COLUMN'
    | 'UNEXPECTED_DATA_TYPE'
    | 'DATASET_LOW_NUM_EXAMPLES'
    | 'ENUM_TYPE_UNEXPECTED_STRING_VALUES'
    | 'FLOAT_TYPE_OUT_OF_RANGE'
    | 'FEATURE_TYPE_LOW_FRACTION_PRESENT'
    | 'LABELS_LOW_FRACTION_PRESENT'
    | 'LABELS_ONE_VALUE'
  feature: string | null
  value: number | null
  bound: number | null
}

export type DataVerdict = { is: 'passed' } | { is: 'refused'; reason: 'data-invalid' | 'too-few-rows'; anomalies: Anomaly[] }

/** A share may grow by so much. */
const growth = 0.01
const unlabelledGrowth = 0.1
/** Below so many rows a share says nothing. */
const fewest = 100

/**
 * Whether a dataset may be trained on: rows, schema, labels, missing values and ranges against the last good profile.
 *
 * A null rate, or a share outside of the profile's range, that grows by more than 1 point is invalid data; a shift inside of the range
 * is drift and none of this function's business. Judged by the newest rows: those would make a gate blind.
 */
export function decideDataChecks(figures: DataFigures, minRows: number): DataVerdict {
  const few = tooFew(figures, minRows)
  if (few.length > 0) return { is: 'refused', reason: 'too-few-rows', anomalies: few }
  const anomalies = [...schemaAnomalies(figures), ...labelAnomalies(figures), ...figures.columns.flatMap(columnAnomalies)]
  return anomalies.length > 0 ? { is: 'refused', reason: 'data-invalid', anomalies } : { is: 'passed' }
}

function tooFew({ rows }: DataFigures, minRows: number): Anomaly[] {
  const all = rows.train + rows.validation + rows.holdout
  const anomaly = (feature: string | null, value: number, bound: number): Anomaly => ({
    anomaly: 'DATASET_LOW_NUM_EXAMPLES',
    feature,
    value,
    bound,
  })
  if (all < minRows) return [anomaly(null, all, minRows)]
  return (['train', 'validation', 'holdout'] as const).flatMap((part) => (rows[part] === 0 ? [anomaly(part, 0, 1)] : []))
}

const numeric = new Set(['int', 'int32', 'float', 'double'])

function schemaAnomalies({ expected, present }: DataFigures): Anomaly[] {
  const types = new Map(present.map(({ name, type }) => [name, type]))
  return expected.flatMap(({ name, type }): Anomaly[] => {
    const found = types.get(name)
    if (found === undefined) return [{ anomaly: 'SCHEMA_MISSING_COLUMN', feature: name, value: null, bound: null }]
    if (found === type || (numeric.has(found) && numeric.has(type))) return []
    return [{ anomaly: 'UNEXPECTED_DATA_TYPE', feature: name, value: null, bound: null }]
  })
}

function labelAnomalies({ classes, labels, earlier }: DataFigures): Anomaly[] {
  const one: Anomaly[] =
    classes !== null && classes < 2 ? [{ anomaly: 'LABELS_ONE_VALUE', feature: null, value: classes, bound: 2 }] : []
  if (!labels || !earlier || earlier.ripe < fewest || labels.ripe - earlier.ripe < fewest) return one
  const before = 1 - earlier.labelled / earlier.ripe
  const since = 1 - (labels.labelled - earlier.labelled) / (labels.ripe - earlier.ripe)
  const missing: Anomaly[] =
    since > before + unlabelledGrowth
      ? [{ anomaly: 'LABELS_LOW_FRACTION_PRESENT', feature: null, value: since, bound: before + unlabelledGrowth }]
      : []
  return [...one, ...missing]
}

function columnAnomalies({ column, type, rows, missing, outside, reference }: ColumnFigures): Anomaly[] {
  if (!reference || rows < fewest) return []
  const found: Anomaly[] = []
  if (missing > reference.missing + growth)
    found.push({
      anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
      feature: column,
      value: missing,
      bound: reference.missing + growth,
    })
  const anomaly = type === 'string' ? 'ENUM_TYPE_UNEXPECTED_STRING_VALUES' : 'FLOAT_TYPE_OUT_OF_RANGE'
  if (outside !== null && outside > growth) found.push({ anomaly, feature: column, value: outside, bound: growth })
  return found
}
