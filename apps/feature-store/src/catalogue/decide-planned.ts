import { parseReference, qualifiedName, type Resource } from '@cascata/resources'
import { viewOf } from '../feature-views/view.ts'
import { sameDefinitions, type Similarity } from './decide-similar.ts'
import { type Feature, featuresOf } from './features.ts'

/** A feature of a document that is like another one. */
export interface Alike {
  readonly kind: Resource['kind']
  readonly namespace: string
  readonly name: string
  /** `namespace/view:feature` */
  readonly feature: string
  readonly similar: readonly Similarity[]
}

/** What documents would make of the features that there are. */
export interface Planned {
  /** All features, once the documents are applied. */
  readonly features: readonly Feature[]
  /** By document: what it defines, or for a model what it reads. */
  readonly of: ReadonlyMap<Resource, readonly Feature[]>
}

const toldOfOne = 20

/** @param known The features of the views that there are. */
export function plannedFeatures(documents: readonly Resource[], known: readonly Feature[]): Planned {
  const defined = new Map(
    documents.flatMap((each) => {
      if (each.kind !== 'FeatureView') return []
      const { namespace, name } = each.metadata
      return [[each as Resource, featuresOf(viewOf({ id: 0, namespace, name, revision: 0 }, each.spec), each.metadata)] as const]
    }),
  )
  const replaced = new Set([...defined.keys()].map(({ metadata }) => qualifiedName(metadata)))
  const features = [
    ...known.filter(({ namespace, view }) => !replaced.has(`${namespace}/${view}`)),
    ...[...defined.values()].flat(),
  ]
  const read = documents.flatMap((each) => {
    if (each.kind !== 'Model') return []
    const named = each.spec.features.map(parseReference)
    const own = features.filter(
      ({ namespace, view, name }) =>
        namespace === each.metadata.namespace &&
        named.some((reference) => reference.view === view && (reference.field === '*' || reference.field === name)),
    )
    return [[each as Resource, own] as const]
  })
  return { features, of: new Map([...defined, ...read]) }
}

/**
 * The features of documents that are like others: a view's like any other one, a model's like another one that it reads itself. A pair
 * within a document is told once.
 *
 * @param near By id what was found by values; empty for what was not looked into.
 */
export function decideAlike({ features, of }: Planned, near: ReadonlyMap<string, readonly Similarity[]>): Alike[] {
  const same = sameDefinitions(features)
  return [...of].flatMap(([{ kind, metadata }, own]) => {
    const ids = new Set(own.map(({ id }) => id))
    return own.flatMap((feature) => {
      const similar = [...same(feature), ...(near.get(feature.id) ?? [])].filter((each) =>
        ids.has(each.feature) ? feature.id < each.feature : kind === 'FeatureView',
      )
      const { namespace, name } = metadata
      return similar.length > 0 ? [{ kind, namespace, name, feature: feature.id, similar: similar.slice(0, toldOfOne) }] : []
    })
  })
}
