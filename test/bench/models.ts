import { attribute, elementType, encodeModel, node, valueInfo, type OnnxNode, type OnnxValueInfo } from '@cascata/onnx'

const { float, int64 } = elementType

/** A small generator of numbers that is the same everywhere. */
const numbers = (seed: number) => () => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 0x8000_0000

/** A classifier of `count` full trees of `depth` over a float matrix `x` [n, width], as boosted trees are exported. */
function trees(count: number, depth: number, width: number, input: string): OnnxNode {
  const random = numbers(1)
  const inner = 2 ** depth - 1
  const all = Array.from({ length: count }, (_, tree) =>
    Array.from({ length: 2 * inner + 1 }, (_, id) => ({ tree, id, leaf: id >= inner })),
  ).flat()
  const leaves = all.filter(({ leaf }) => leaf)
  const ints = (name: string, of: (each: (typeof all)[number]) => number) => attribute.ints(name, all.map(of))
  const attributes = [
    ints('nodes_treeids', ({ tree }) => tree),
    ints('nodes_nodeids', ({ id }) => id),
    ints('nodes_featureids', ({ leaf }) => (leaf ? 0 : Math.floor(random() * width))),
    attribute.floats(
      'nodes_values',
      all.map(({ leaf }) => (leaf ? 0 : random())),
    ),
    attribute.strings(
      'nodes_modes',
      all.map(({ leaf }) => (leaf ? 'LEAF' : 'BRANCH_LEQ')),
    ),
    ints('nodes_truenodeids', ({ leaf, id }) => (leaf ? 0 : 2 * id + 1)),
    ints('nodes_falsenodeids', ({ leaf, id }) => (leaf ? 0 : 2 * id + 2)),
    ints('nodes_missing_value_tracks_true', () => 0),
    attribute.ints(
      'class_treeids',
      leaves.map(({ tree }) => tree),
    ),
    attribute.ints(
      'class_nodeids',
      leaves.map(({ id }) => id),
    ),
    attribute.ints(
      'class_ids',
      leaves.map(() => 0),
    ),
    attribute.floats(
      'class_weights',
      leaves.map(() => (random() - 0.5) / 5),
    ),
    attribute.ints('classlabels_int64s', [0, 1]),
    attribute.string('post_transform', 'LOGISTIC'),
  ]
  return node('TreeEnsembleClassifier', [input], ['label', 'probabilities'], attributes, 'ai.onnx.ml')
}

const outputs = [valueInfo('label', int64, [null]), valueInfo('probabilities', float, [null, 2])]
const opsetImport = [
  { domain: '', version: 17 },
  { domain: 'ai.onnx.ml', version: 3 },
]
const file = (nodes: OnnxNode[], input: OnnxValueInfo[]) =>
  encodeModel({
    irVersion: 8,
    producerName: 'cascata-bench',
    graph: { name: 'trees', node: nodes, input, output: outputs },
    opsetImport,
  })

/** 100 trees of depth 6 over one matrix `x` [n, width]. */
export const matrixTrees = (width: number): Uint8Array =>
  file([trees(100, 6, width, 'x')], [valueInfo('x', float, [null, width])])

/** The same over one input [n, 1] for each column, as the platform's trainers export them. */
export const columnTrees = (columns: readonly string[]): Uint8Array =>
  file(
    [node('Concat', [...columns], ['x'], [attribute.int('axis', 1)]), trees(100, 6, columns.length, 'x')],
    columns.map((name) => valueInfo(name, float, [null, 1])),
  )

/** A Model over the features `f0` … of a view `rows<width>` with entity `id`. `sample`: share of the predictions that is logged. */
export const treeResources = ({ model, width, sample }: { model: string; width: number; sample: string }): string => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: rows${width}}
spec: {source: {topic: bench-rows${width}}, entity: [id], eventTime: {field: at}, fields: {id: string, at: timestamp, ${Array.from({ length: width }, (_, at) => `f${at}: double`).join(', ')}}}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: outcomes}
spec: {source: {topic: bench-outcomes}, entity: [id], eventTime: {field: at}, fields: {id: string, at: timestamp, late: bool}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: ${model}}
spec:
  task: binary
  observations: {view: rows${width}}
  label: {field: "outcomes:late", within: 1d}
  features: ["rows${width}:*"]
  monitor: {log: {sample: ${sample}}}
`
