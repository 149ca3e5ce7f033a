import { type Feature } from './features.ts'
import { type Uses } from './uses.store.ts'

/** A thing that comes from others, or that others come from. */
interface LineageNode {
  readonly id: string
  readonly kind: 'topic' | 'view' | 'feature' | 'model' | 'version'
  readonly label: string
}

/** Where a feature comes from, and what comes of it, as nodes and edges of a graph. */
export interface FeatureLineage {
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

/** Topic → view → feature → models → their versions. A version whose model no longer names the feature comes from the feature itself. */
export function lineageOf(
  feature: Feature,
  revision: number,
  { models, versions }: Pick<Uses, 'models' | 'versions'>,
): FeatureLineage {
  const { definition, namespace, view, name } = feature
  const node = (kind: LineageNode['kind'], of: string, label = `${kind} ${of}`): LineageNode => ({
    id: `${kind}:${of}`,
    kind,
    label,
  })
  const topic = node('topic', definition.topic)
  const viewNode = node('view', `${namespace}/${view}`, `view ${namespace}/${view}, revision ${revision}`)
  const made = [definition.fn, definition.field].filter((part) => part !== null && part !== name).join(' of ')
  const own = node('feature', feature.id, `feature ${name}${made === '' ? '' : `, ${made}`}`)
  const users = [...Map.groupBy(models, ({ model }) => model)].map(([model, uses]) =>
    node('model', model, `model ${model} (${uses.map((use) => use.as).join(', ')})`),
  )
  const known = new Set(users.map(({ id }) => id))
  const read = versions.map((version) => ({ version, model: `model:${version.slice(0, version.lastIndexOf('/'))}` }))
  return {
    nodes: [topic, viewNode, own, ...users, ...read.map(({ version }) => node('version', version))],
    edges: [
      { from: topic.id, to: viewNode.id },
      { from: viewNode.id, to: own.id },
      ...users.map(({ id }) => ({ from: own.id, to: id })),
      ...read.map(({ version, model }) => ({ from: known.has(model) ? model : own.id, to: `version:${version}` })),
    ],
  }
}
