import { attribute, node, tensor } from '@cascata/onnx'
import { type RawGraph } from '../learner.ts'
import { type Ensemble } from './boost.ts'
import { type Encoder } from './encode.ts'
import { type Tree } from './grow.ts'

const ml = 'ai.onnx.ml'

/** The ensemble as `ai.onnx.ml` nodes: a LabelEncoder for each text, one TreeEnsembleRegressor for the raw scores. */
export function treesGraph(ensemble: Ensemble): RawGraph {
  const { encoders, outputs, base, centre, scale } = ensemble
  const encoded = encoders.map((encoder) => (encoder.kind === 'text' ? labelEncoder(encoder) : undefined))
  const columns = encoders.map(({ name }, at) => encoded[at]?.output?.[0] ?? name)
  const trees = ensemble.trees.length > 0 ? ensemble.trees : [stub]
  const scored = node('TreeEnsembleRegressor', ['.columns'], ['.sum'], treeAttributes(trees, encoders, outputs, base), ml)
  const graph: RawGraph = {
    nodes: [
      ...encoded.filter((each) => each !== undefined),
      node('Concat', columns, ['.columns'], [attribute.int('axis', 1)]),
      scored,
    ],
    initializers: [],
    output: '.sum',
  }
  if (scale === 1 && centre === 0) return graph
  return {
    nodes: [...graph.nodes, node('Mul', ['.sum', '.scale'], ['.scaled']), node('Add', ['.scaled', '.centre'], ['.raw'])],
    initializers: [tensor.float('.scale', [1], [scale]), tensor.float('.centre', [1], [centre])],
    output: '.raw',
  }
}

/** Stands for "no trees": the runtime wants at least one, with a split. */
const stub: Tree = {
  feature: [0, -1, -1],
  bin: [0, 0, 0],
  missingLeft: [true, false, false],
  left: [1, -1, -1],
  right: [2, -1, -1],
  value: [0, 0, 0],
  gain: [0, 0, 0],
}

function labelEncoder({ name, ranks, other }: Encoder & { kind: 'text' }) {
  const attributes = [
    attribute.strings('keys_strings', [...ranks.keys()]),
    attribute.floats('values_floats', [...ranks.values()]),
    attribute.float('default_float', other),
  ]
  return node('LabelEncoder', [name], [`.${name}.rank`], attributes, ml)
}

function treeAttributes(trees: Tree[], encoders: readonly Encoder[], outputs: number, base: number[]) {
  const nodes = trees.flatMap((tree, at) =>
    tree.feature.map((feature, index) => ({ tree, at, index, feature, leaf: feature < 0 })),
  )
  const ints = (name: string, of: (each: (typeof nodes)[number]) => number) => attribute.ints(name, nodes.map(of))
  const leaves = nodes.filter(({ leaf }) => leaf)
  return [
    ints('nodes_treeids', ({ at }) => at),
    ints('nodes_nodeids', ({ index }) => index),
    ints('nodes_featureids', ({ feature }) => Math.max(feature, 0)),
    attribute.strings(
      'nodes_modes',
      nodes.map(({ leaf }) => (leaf ? 'LEAF' : 'BRANCH_LEQ')),
    ),
    attribute.floats(
      'nodes_values',
      nodes.map(({ tree, index, feature, leaf }) => (leaf ? 0 : thresholdOf(encoders[feature], tree.bin[index] as number))),
    ),
    ints('nodes_truenodeids', ({ tree, index, leaf }) => (leaf ? 0 : (tree.left[index] as number))),
    ints('nodes_falsenodeids', ({ tree, index, leaf }) => (leaf ? 0 : (tree.right[index] as number))),
    ints('nodes_missing_value_tracks_true', ({ tree, index }) => (tree.missingLeft[index] ? 1 : 0)),
    attribute.ints(
      'target_treeids',
      leaves.map(({ at }) => at),
    ),
    attribute.ints(
      'target_nodeids',
      leaves.map(({ index }) => index),
    ),
    attribute.ints(
      'target_ids',
      leaves.map(({ at }) => at % outputs),
    ),
    attribute.floats(
      'target_weights',
      leaves.map(({ tree, index }) => tree.value[index] as number),
    ),
    attribute.int('n_targets', outputs),
    attribute.floats('base_values', base),
    attribute.string('aggregate_function', 'SUM'),
    attribute.string('post_transform', 'NONE'),
  ]
}

/** The cut above a bin; above the last one every number is smaller (a split of missing from present). */
const thresholdOf = (encoder: Encoder | undefined, bin: number): number => encoder?.cuts[bin] ?? Infinity
