import { type Version } from '../versions/version.ts'
import { type DatasetRecord, type RouteRecord, type TrainingRecord } from './lineage.store.ts'

export type NodeKind = 'offsets' | 'resource' | 'dataset' | 'run' | 'version' | 'route' | 'predictions'

/** A thing that comes from others, or that others come from. */
export interface LineageNode {
  /** Unique in its graph, and the same in every graph. */
  readonly id: string
  readonly kind: NodeKind
  readonly label: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface LineageEdge {
  readonly from: string
  readonly to: string
}

export interface LineageGraph {
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
}

/** One way from rows to predictions, as far as it is known. */
export interface Chain {
  readonly dataset?: DatasetRecord | undefined
  /** Datasets that a client named as inputs of its run. */
  readonly inputs?: readonly { name: string; digest: string }[]
  readonly run?: TrainingRecord | undefined
  /** The run of an MLflow client. */
  readonly clientRun?: string | undefined
  readonly commit?: string | null | undefined
  readonly version?: Version | undefined
  readonly route?: RouteRecord | undefined
}

const node = (kind: NodeKind, name: string, label: string, details: object = {}): LineageNode => ({
  id: `${kind}:${name}`,
  kind,
  label,
  details: details as Record<string, unknown>,
})

const offsetsOf = ({ namespace, snapshot }: DatasetRecord): LineageNode[] =>
  snapshot.map((part) => {
    const place = `${part.topic}/${part.partition}`
    return node('offsets', `${place}@${part.epoch}<${part.to}`, `${place} up to ${part.to}`, {
      ...part,
      view: `${namespace}/${part.view}`,
    })
  })

const datasetNode = ({ dataset, hash, rows, cutoff, split }: DatasetRecord): LineageNode =>
  node('dataset', dataset, `dataset ${dataset}, ${rows} rows`, { dataset, hash, rows, cutoff, split })

const runNode = ({ run, trigger, revision, requestedAt, outcome, correlationId }: TrainingRecord): LineageNode =>
  node('run', run, `run ${run} (${trigger})`, { run, trigger, revision, requestedAt, outcome, correlationId })

const versionNode = ({
  namespace,
  model,
  version,
  state,
  modelSha256,
  registeredAt,
  datasetHash,
  record,
}: Version): LineageNode =>
  node('version', `${namespace}/${model}/${version}`, `${namespace}/${model}/${version}, ${state}`, {
    version,
    state,
    modelSha256,
    registeredAt,
    datasetHash,
    record,
  })

/** The part of a route that a version has, undefined when it has none. */
export const roleIn = (route: RouteRecord | undefined, version: string): string | undefined => {
  const said = route?.said
  if (!said) return undefined
  if (said.champion === version) return 'champion'
  if (said.candidate === version) return 'candidate'
  if (said.shadow === version) return 'shadow'
  return said.warm.includes(version) ? 'warm' : undefined
}

const served = ({ route, version }: Chain): LineageNode[] => {
  if (!version || !route) return []
  const role = roleIn(route, version.version)
  if (role === undefined) return []
  const name = `${version.namespace}/${version.model}`
  const share =
    route.said.split.filter((part) => part.version === version.version).reduce((sum, { from, to }) => sum + to - from, 0) / 10_000
  const details = { role, share, generation: route.generation, at: route.at }
  return [
    node('route', name, `route of ${name}`, details),
    node('predictions', `${name}/${version.version}`, `predictions of ${name}/${version.version} as ${role}`, {
      topic: 'cascata.predictions',
      key: { namespace: version.namespace, model: version.model, version: version.version },
      role,
      share,
    }),
  ]
}

/** The nodes of a chain in layers: every one of a layer comes from every one of the layer before. */
const layersOf = (chain: Chain): LineageNode[][] => {
  const { dataset, inputs = [], run, clientRun, version, commit } = chain
  const revision = run?.revision ?? version?.revision
  const name = run ?? version
  const resource =
    revision === null || revision === undefined || !name
      ? []
      : [
          node(
            'resource',
            `Model/${name.namespace}/${name.model}@${revision}`,
            `Model ${name.namespace}/${name.model}, revision ${revision}`,
            {
              revision,
              commit: commit ?? null,
            },
          ),
        ]
  const client = inputs.map((input) =>
    node('dataset', `${input.name}#${input.digest}`, `dataset ${input.name} ${input.digest}`, input),
  )
  const runs = run ? [runNode(run)] : clientRun ? [node('run', clientRun, `run ${clientRun}`, { mlflow: clientRun })] : []
  const [route, predictions] = served(chain)
  return [
    dataset ? offsetsOf(dataset) : [],
    [...(dataset ? [datasetNode(dataset)] : []), ...client],
    runs,
    version ? [versionNode(version)] : [],
    route ? [route] : [],
    predictions ? [predictions] : [],
    // The resource belongs beside the dataset: both lead to the run.
    resource,
  ]
}

const product = (from: readonly LineageNode[], to: readonly LineageNode[]): LineageEdge[] =>
  from.flatMap((one) => to.map((other) => ({ from: one.id, to: other.id })))

/** Chains as one graph: what they share is there once. */
export const graphOf = (chains: readonly Chain[]): LineageGraph => {
  const nodes = new Map<string, LineageNode>()
  const edges = new Map<string, LineageEdge>()
  for (const chain of chains) {
    const layers = layersOf(chain)
    const resource = layers.pop()!
    const full = layers.filter((layer) => layer.length > 0)
    for (const each of [...full.flat(), ...resource]) nodes.set(each.id, each)
    const made = layers[2]!.length > 0 ? layers[2]! : layers[3]!
    const found = [...full.slice(1).flatMap((layer, index) => product(full[index]!, layer)), ...product(resource, made)]
    for (const edge of found) edges.set(`${edge.from}\n${edge.to}`, edge)
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] }
}

const shapes: Readonly<Record<NodeKind, string>> = {
  offsets: 'cylinder',
  resource: 'note',
  dataset: 'folder',
  run: 'box',
  version: 'box3d',
  route: 'diamond',
  predictions: 'cylinder',
}

const quoted = (text: string): string =>
  `"${text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/[\r\n]+/g, ' ')}"`

/** A graph in the language of Graphviz. */
export const dotOf = ({ nodes, edges }: LineageGraph): string =>
  [
    'digraph lineage {',
    '  rankdir=LR',
    ...nodes.map(({ id, kind, label }) => `  ${quoted(id)} [label=${quoted(label)}, shape=${shapes[kind]}]`),
    ...edges.map(({ from, to }) => `  ${quoted(from)} -> ${quoted(to)}`),
    '}',
    '',
  ].join('\n')
