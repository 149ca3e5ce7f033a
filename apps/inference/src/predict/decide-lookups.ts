import { type Spec } from './columns.ts'
import { viewOf } from '@cascata/resources'
import { InvalidRequest } from '../protocol/invalid-request.ts'

/** One look-up: features of views whose keys are all known by then. */
export interface Lookup {
  /** `view:field` */
  references: readonly string[]
  /** Key fields that are sent. */
  keys: readonly string[]
}

/** The look-ups of a prediction. `first` needs only what the caller sent; `chained` need keys that are fields of the observation row. */
export interface LookupPlan {
  first: Lookup
  chained: Lookup[]
  /** Keys that the observation row gives: field → its reference, which is part of `first`. */
  observed: ReadonlyMap<string, string>
}

/**
 * How the features of a prediction are found. A key of a view is what the caller sent under its name, else a field of the observation row.
 *
 * @param references features that are wanted, `view:field`
 * @param given names of the entity fields and request values of the call
 * @throws InvalidRequest naming the key that is neither
 */
export function decideLookups(references: readonly string[], given: ReadonlySet<string>, { model, views }: Spec): LookupPlan {
  const observations = model.spec.observations.view
  const observed = new Map<string, string>()
  const first = { references: [] as string[], keys: [] as string[] }
  const chained: Lookup[] = []

  const byView = Map.groupBy(references, (reference) => reference.slice(0, reference.indexOf(':')))
  for (const [name, wanted] of byView) {
    const keys = entityOf(name, { model, views })
    const absent = keys.filter((key) => !given.has(key))
    if (absent.length === 0) {
      first.references.push(...wanted)
      first.keys.push(...keys)
      continue
    }
    for (const key of absent) observed.set(key, observedKey(key, name, given, { model, views }))
    chained.push({ references: wanted, keys })
  }
  if (observed.size > 0) {
    first.references.push(...observed.values())
    first.keys.push(...entityOf(observations, { model, views }))
  }
  return { first: { references: [...new Set(first.references)], keys: [...new Set(first.keys)] }, chained, observed }
}

function entityOf(name: string, { model, views }: Spec): readonly string[] {
  const view = viewOf(model, name, views)
  if (!view) throw new InvalidRequest('INF_INVALID_ENTITIES', `The view ${name} is not known here yet.`, { view: name })
  return view.spec.entity
}

function observedKey(key: string, view: string, given: ReadonlySet<string>, spec: Spec): string {
  const observations = spec.model.spec.observations.view
  const row = viewOf(spec.model, observations, spec.views)
  if (view === observations || !row || !(key in row.spec.fields))
    throw new InvalidRequest('INF_INVALID_ENTITIES', `\`entities.${key}\` is absent; view ${view} is read by it.`, { key, view })
  const absent = row.spec.entity.find((each) => !given.has(each))
  if (absent !== undefined)
    throw new InvalidRequest(
      'INF_INVALID_ENTITIES',
      `\`entities.${absent}\` is absent; observations of ${observations} are read by it.`,
      { key: absent, view: observations },
    )
  return `${observations}:${key}`
}
