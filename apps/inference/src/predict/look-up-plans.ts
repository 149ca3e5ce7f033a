import { type ServedVersion } from '../routing/model-pool.ts'
import { versionsOf } from '../routing/decide-route.ts'
import { type Serving } from '../routing/serving.ts'
import { type Spec } from './columns.ts'
import { decideLookups, type LookupPlan } from './decide-lookups.ts'
import { type PredictRequest } from './validate-predict.ts'
import { type VersionColumns } from './version-columns.ts'

/** What is looked up for a call: once for all versions that can be asked that way, and why the others can't. */
export interface CallPlan {
  askable: readonly ServedVersion[]
  failures: ReadonlyMap<ServedVersion, unknown>
  plan: LookupPlan
}

type ColumnsOf = (version: ServedVersion, spec: Spec, edition: number) => VersionColumns

/** Versions that may answer or score beside: all that are loaded while a rollout runs, else those of the split. */
const versionsInPlay = (serving: Serving): ServedVersion[] =>
  serving.route.rollout === undefined
    ? versionsOf(serving.route).answering.flatMap((name) => serving.version(name) ?? [])
    : serving.versions()

/** A plan for what these versions need. @throws InvalidRequest */
export const planFor = (
  versions: readonly ServedVersion[],
  given: ReadonlySet<string>,
  spec: Spec,
  edition: number,
  columnsOf: ColumnsOf,
) => decideLookups([...new Set(versions.flatMap((version) => columnsOf(version, spec, edition).references))], given, spec)

/** Sets of names that calls may send, for each serving, before plans are made anew. */
const most = 100

/** Plans by what answers and by the names that a call sends; made anew when the resources or the loaded versions change. */
export function lookUpPlans(columnsOf: ColumnsOf) {
  const known = new WeakMap<Serving, { edition: number; versions: number; plans: Map<string, CallPlan> }>()

  const make = (serving: Serving, given: ReadonlySet<string>, spec: Spec, edition: number): CallPlan => {
    const failures = new Map<ServedVersion, unknown>()
    const askable = versionsInPlay(serving).filter((version) => {
      try {
        planFor([version], given, spec, edition, columnsOf)
        return true
      } catch (error) {
        failures.set(version, error)
        return false
      }
    })
    return { askable, failures, plan: planFor(askable, given, spec, edition, columnsOf) }
  }

  return (serving: Serving, request: PredictRequest, spec: Spec, edition: number): CallPlan => {
    const names = [...Object.keys(request.entities), ...Object.keys(request.request)]
    const versions = serving.versions().length
    const last = known.get(serving)
    const fresh = last && last.edition === edition && last.versions === versions && last.plans.size < most
    const entry = fresh ? last : { edition, versions, plans: new Map<string, CallPlan>() }
    known.set(serving, entry)
    const name = names.join('\n')
    const plan = entry.plans.get(name) ?? make(serving, new Set(names), spec, edition)
    entry.plans.set(name, plan)
    return plan
  }
}
