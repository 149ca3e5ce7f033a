import { type Scalar, type Spec } from './columns.ts'
import { type Lookup, type LookupPlan } from './decide-lookups.ts'
import { type FeatureLookup } from './feature-lookup.ts'
import { type PredictRequest } from './validate-predict.ts'

/** Features of one row by reference; `absent` are those whose status was not PRESENT. */
export interface FeatureRow {
  values: Map<string, Scalar>
  statuses: Map<string, string>
}

interface Wanted {
  spec: Spec
  plan: LookupPlan
  request: PredictRequest
  at: string | undefined
}

/**
 * The features of every row: one look-up by what the caller sent, then those whose keys are fields of the observation row.
 * A row whose key is not there has no value of that view, with the status of the key.
 *
 * @throws CodedError when the feature store does not answer, or refuses
 */
export async function featureRows(lookup: FeatureLookup, { spec, plan, request, at }: Wanted): Promise<FeatureRow[]> {
  const found = Array.from({ length: request.rows }, (): FeatureRow => ({ values: new Map(), statuses: new Map() }))
  const given = (key: string, row: number) => (request.entities[key] ?? request.request[key])?.[row] as Scalar | undefined

  const find = async (
    { references: features, keys }: Lookup,
    keyOf: (key: string, row: number) => Scalar | undefined,
  ): Promise<void> => {
    const whole: number[] = []
    const rows: Scalar[][] = []
    for (let row = 0; row < request.rows; row++) {
      const values = keys.map((key) => keyOf(key, row) ?? null)
      if (!values.includes(null)) {
        whole.push(row)
        rows.push(values)
      } else note(found[row]!, features, keyStatus(found[row]!, keys))
    }
    if (whole.length === 0) return
    const answers = await lookup.find({ namespace: spec.model.metadata.namespace, features, keys, rows, at })
    answers.forEach(({ values, statuses }, index) => {
      const target = found[whole[index]!]!
      features.forEach((reference, column) => {
        target.values.set(reference, values[column] ?? null)
        target.statuses.set(reference, statuses[column]!)
      })
    })
  }
  const keyStatus = (row: FeatureRow, keys: readonly string[]) => {
    const absent = keys.find((key) => plan.observed.has(key) && (row.values.get(plan.observed.get(key)!) ?? null) === null)
    return (absent && row.statuses.get(plan.observed.get(absent)!)) ?? 'NOT_FOUND'
  }

  if (plan.first.references.length > 0) await find(plan.first, given)
  const observed = (key: string, row: number) => {
    const reference = plan.observed.get(key)
    return reference === undefined ? given(key, row) : found[row]!.values.get(reference)
  }
  await Promise.all(plan.chained.map((each) => find(each, observed)))
  return found
}

const note = (row: FeatureRow, references: readonly string[], status: string) => {
  for (const reference of references) {
    row.values.set(reference, null)
    row.statuses.set(reference, status)
  }
}
