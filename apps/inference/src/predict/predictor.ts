import { isCodedError } from '@cascata/service'
import { InvalidRequest } from '../protocol/invalid-request.ts'
import { codeOf, featuresUnavailable, notByEntity } from '../errors.ts'
import { type Recorder, type ScoredRow } from '../log/recorder.ts'
import { type Metrics } from '../metrics.ts'
import { answer, type Outcome } from '../routing/answer.ts'
import { shadowOf, shareOf } from '../routing/decide-route.ts'
import { type ServedVersion } from '../routing/model-pool.ts'
import { keyOf } from '../routing/router.ts'
import { type Serving } from '../routing/serving.ts'
import { type SpecBook } from '../routing/spec-book.ts'
import { type ShadowQueue } from '../shadow/shadow-queue.ts'
import { type Scalar, type Spec } from './columns.ts'
import { type FeatureLookup } from './feature-lookup.ts'
import { featureRows, type FeatureRow } from './feature-rows.ts'
import { lookUpPlans, planFor } from './look-up-plans.ts'
import { type Scored } from './row-scorer.ts'
import { predictionTime, validatePredict, type PredictRequest } from './validate-predict.ts'
import { columnsOfVersions, rowOf, type Row } from './version-columns.ts'

interface Parts {
  specs: SpecBook
  lookup: FeatureLookup
  shadow: ShadowQueue
  recorder: Recorder
  metrics: Metrics
  rows: number
  /** Unique to this start of the replica. */
  origin: string
}

export interface PredictCall {
  serving: Serving
  /** `namespace/model` */
  key: string
  body: unknown
  at: string | undefined
  explain: boolean
  began: number
}

export interface PredictionAnswer {
  id: string
  version: string
  prediction: Scalar | Scalar[]
  probability?: number | Record<string, number>
  features?: Record<string, Scalar>
  missing?: string[]
}

type RowResult = Scored & Row

/** A request with the features of its rows, by version where they could not be found for all together. */
interface Prepared {
  serving: Serving
  spec: Spec
  request: PredictRequest
  /** Time until the features were there, in ms: part of what the candidate would have taken to answer. */
  preparedMs: number
  rows: ScoredRow[]
  featuresOf(version: ServedVersion): FeatureRow[]
}

/** Predicts by entity: features looked up, each row answered by the version of its unit, the candidate scoring beside it afterwards. */
export function predictor({ specs, lookup, shadow, recorder, metrics, rows: most, origin }: Parts) {
  const columnsOf = columnsOfVersions()
  const planOf = lookUpPlans(columnsOf)
  let ids = 0

  const score = async ({ spec, request, featuresOf }: Prepared, version: ServedVersion, index: number): Promise<RowResult> => {
    const columns = columnsOf(version, spec, specs.edition)
    const row = rowOf(columns, version, spec, request, index, featuresOf(version)[index]!)
    return { ...(await columns.scorer.score(row.columns)), ...row }
  }
  const note = ({ serving: { route }, spec }: Prepared, row: ScoredRow, outcome: Outcome<RowResult>) => {
    const seen = outcome.result
    if (seen && seen.missing.length > 0 && outcome.role !== 'shadow')
      metrics.missing.inc({ model: keyOf(route) }, seen.missing.length)
    recorder.record(route, spec, row, outcome, () => ({
      features: seen?.columns ?? {},
      missing: seen?.missing ?? [],
      output: seen?.prediction ?? null,
      probability: seen?.probability,
    }))
  }

  const prepare = async ({ serving, key, body, at: header, began }: PredictCall): Promise<Prepared> => {
    const spec = specs.of(key)
    if (!spec)
      throw notByEntity({
        model: key,
        version: serving.route.champion ?? '',
        reason: 'no Model resource of that name is known here',
      })
    const request = validatePredict(body, most)
    const at = new Date(predictionTime(header, spec.model.spec.clock, Date.now())).toISOString()
    const featuresOf = await findFeatures(serving, spec, request, header)
    const rows = Array.from({ length: request.rows }, (_, index): ScoredRow => ({
      id: request.ids?.[index] ?? `${origin}-${++ids}`,
      at,
      unit: unitOf(spec, request, index),
      entities: Object.fromEntries(Object.entries(request.entities).map(([name, list]) => [name, list[index]!])),
    }))
    return { serving, spec, request, preparedMs: performance.now() - began, rows, featuresOf }
  }

  /** One look-up for every version that may be asked. What stands in the way of one version only is that version's failure. */
  const findFeatures = async (serving: Serving, spec: Spec, request: PredictRequest, at: string | undefined) => {
    const { askable, failures: known, plan } = planOf(serving, request, spec, specs.edition)
    const failures = new Map(known)
    const found = new Map<ServedVersion, FeatureRow[]>()
    try {
      const rows = await featureRows(lookup, { spec, plan, request, at })
      for (const version of askable) found.set(version, rows)
    } catch (error) {
      if (askable.length < 2 || (isCodedError(error) && error.code === featuresUnavailable.code)) throw error
      const given = new Set([...Object.keys(request.entities), ...Object.keys(request.request)])
      for (const version of askable) {
        const own = planFor([version], given, spec, specs.edition, columnsOf)
        await featureRows(lookup, { spec, plan: own, request, at }).then(
          (rows) => found.set(version, rows),
          (reason: unknown) => failures.set(version, reason),
        )
      }
    }
    return (version: ServedVersion): FeatureRow[] => {
      const rows = found.get(version)
      if (rows) return rows
      throw (
        failures.get(version) ??
        new InvalidRequest('INF_INVALID_ENTITIES', `No features were looked up for version ${version.version}.`)
      )
    }
  }

  const beside = (prepared: Prepared, assigned: readonly Outcome<RowResult>[]) => {
    const { serving } = prepared
    const rows = assigned.flatMap(({ version }, index) => (shadowOf(serving.route, version) === undefined ? [] : [index]))
    const name = serving.route.shadow ?? serving.route.candidate
    const version = name === undefined ? undefined : serving.version(name)
    if (!version || rows.length === 0) return
    serving.hold()
    const one = async (index: number) => {
      const began = performance.now()
      const { bucket } = assigned[index]!
      const outcome: Outcome<RowResult> = {
        version: version.version,
        role: 'shadow',
        bucket,
        propensity: shareOf(serving.route, version.version),
        ms: 0,
      }
      try {
        outcome.result = await score(prepared, version, index)
      } catch (error) {
        outcome.error = codeOf(error)
      }
      outcome.ms = prepared.preparedMs + performance.now() - began
      note(prepared, prepared.rows[index]!, outcome)
    }
    shadow.offer({
      model: keyOf(serving.route),
      rows: rows.length,
      run: async () => void (await Promise.all(rows.map(one))),
      release: () => serving.drop(),
    })
  }

  return async (call: PredictCall): Promise<PredictionAnswer[]> => {
    const { serving, explain, began } = call
    serving.hold()
    try {
      const prepared = await prepare(call)
      const answers = await Promise.all(
        prepared.rows.map((row, index) =>
          answer<RowResult>({
            serving,
            unit: row.unit,
            began,
            ask: (version) => score(prepared, version, index),
            onFailure: (outcomes) => outcomes.forEach((outcome) => note(prepared, row, outcome)),
          }),
        ),
      )
      answers.forEach(({ outcomes }, index) => outcomes.forEach((outcome) => note(prepared, prepared.rows[index]!, outcome)))
      beside(
        prepared,
        answers.map(({ outcomes }) => outcomes[0]!),
      )
      return answers.map(({ version, result }, index) => answerOf(prepared.rows[index]!.id, version.version, result, explain))
    } finally {
      serving.drop()
    }
  }
}

const answerOf = (
  id: string,
  version: string,
  { prediction, probability, columns, missing }: RowResult,
  explain: boolean,
): PredictionAnswer => ({
  id,
  version,
  prediction,
  ...(probability === undefined ? {} : { probability }),
  ...(explain ? { features: columns } : {}),
  ...(missing.length > 0 ? { missing } : {}),
})

/** What sticks to a version: the values of the Model's unit, one as it is, several as JSON. Undefined when one of them is not there. */
function unitOf({ model, views }: Spec, request: PredictRequest, index: number): string | undefined {
  const { unit } = model.spec.rollout
  const fields =
    unit.length > 0 ? unit : (views.get(`${model.metadata.namespace}/${model.spec.observations.view}`)?.spec.entity ?? [])
  const values = fields.map((field) => request.entities[field]?.[index] ?? request.request[field]?.[index])
  if (values.length === 0 || values.some((value) => value === undefined || value === null)) return undefined
  return (values.length === 1 ? String(values[0]) : JSON.stringify(values)).slice(0, 1_024) || undefined
}
