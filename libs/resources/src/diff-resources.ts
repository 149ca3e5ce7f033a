import { type FeatureView } from './feature-view.ts'
import { viewEffect } from './diff-feature-view.ts'
import { type Model } from './model.ts'
import { modelEffect } from './diff-model.ts'
import { type Resource, resourceKey } from './resource.ts'
import { isMapping } from './shape.ts'
import { written } from './write-yaml.ts'

/**
 * What a change brings about.
 *
 * - `none`: words for readers
 * - `inPlace`: holds at once, for rows and answers from now on
 * - `policy`: the next decision (training, gate, roll-out, finding) follows it
 * - `retrain`: asks for a training, because a version trained before means something else
 * - `rebuild`: the view is built again from its segments, then swapped
 * - `refused`: not possible in place
 */
export type Effect = 'none' | 'inPlace' | 'policy' | 'retrain' | 'rebuild' | 'refused'

/** One field that differs between two revisions, as a user writes it; undefined: not there. */
export interface Change {
  path: string
  from: unknown
  to: unknown
  effect: Effect
  why: string
}

interface Difference {
  path: string[]
  from: unknown
  to: unknown
}

/** Mappings are compared member by member, except a field of a row, which changes as a whole. */
const isUnit = (path: readonly string[]): boolean =>
  path[0] === 'spec' && ['fields', 'aggregations', 'request'].includes(path[1] ?? '') && path.length === 3

function differences(from: unknown, to: unknown, path: string[] = []): Difference[] {
  if (JSON.stringify(from) === JSON.stringify(to)) return []
  if (!isMapping(from) || !isMapping(to) || isUnit(path)) return [{ path, from, to }]
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name) =>
    differences(from[name], to[name], [...path, name]),
  )
}

/**
 * What differs between two revisions of a resource, and what that brings about.
 *
 * @param models the models that are applied: a refusal names those that read the field
 * @throws Error when the two are not the same resource
 */
export function diffResources(from: Resource, to: Resource, { models = [] }: { models?: Iterable<Model> } = {}): Change[] {
  if (resourceKey(from) !== resourceKey(to)) throw new Error(`${resourceKey(from)} and ${resourceKey(to)} are two resources`)
  return differences(written(from), written(to)).map(({ path, ...values }) => {
    const verdict = to.kind === 'FeatureView' ? viewEffect(path, from as FeatureView, to, [...models]) : modelEffect(path)
    return { path: path.join('.'), ...values, ...verdict }
  })
}

/** The changes that stand in the way of applying. */
export const refusals = (changes: readonly Change[]): Change[] => changes.filter(({ effect }) => effect === 'refused')
