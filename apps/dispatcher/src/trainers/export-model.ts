import {
  attribute,
  elementType,
  encodeModel,
  node,
  tensor,
  valueInfo,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from '@cascata/onnx'
import { isText, type ColumnSpec } from '../frames/frame.ts'
import { type RawGraph } from './learner.ts'
import { type ClassTarget, type Target } from './target.ts'

const ml = 'ai.onnx.ml'

interface Answers {
  nodes: OnnxNode[]
  initializers: OnnxTensor[]
  outputs: OnnxValueInfo[]
}

/**
 * A whole model: one input a column ([n, 1]; text as tensor(string), all else as float32 with NaN for missing),
 * outputs `label` [n] and `probabilities` [n, k], or `value` [n, 1].
 */
export function exportModel(
  { nodes, initializers, output }: RawGraph,
  features: readonly ColumnSpec[],
  target: Target,
  producer: string,
): Uint8Array {
  const answers =
    target.task === 'regression'
      ? valueOf(output)
      : target.task === 'binary'
        ? binaryOf(output, target)
        : multiclassOf(output, target)
  return encodeModel({
    irVersion: 8,
    producerName: 'cascata',
    producerVersion: producer,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: ml, version: 3 },
    ],
    graph: {
      name: producer,
      node: [...nodes, ...answers.nodes],
      initializer: [...initializers, ...answers.initializers],
      input: features.map(({ name, type }) => valueInfo(name, isText(type) ? elementType.string : elementType.float, [null, 1])),
      output: answers.outputs,
    },
  })
}

const valueOf = (raw: string): Answers => ({
  nodes: [node('Identity', [raw], ['value'])],
  initializers: [],
  outputs: [valueInfo('value', elementType.float, [null, 1])],
})

function binaryOf(raw: string, target: ClassTarget): Answers {
  return {
    nodes: [
      node('Sigmoid', [raw], ['.positive']),
      node('Sub', ['.one', '.positive'], ['.negative']),
      node('Concat', ['.negative', '.positive'], ['probabilities'], [attribute.int('axis', 1)]),
      ...labelNodes(target),
    ],
    initializers: [tensor.float('.one', [1], [1])],
    outputs: classOutputs(target, 2),
  }
}

function multiclassOf(raw: string, target: ClassTarget): Answers {
  return {
    nodes: [node('Softmax', [raw], ['probabilities'], [attribute.int('axis', 1)]), ...labelNodes(target)],
    initializers: [],
    outputs: classOutputs(target, target.outputs),
  }
}

/** The most probable class, the first of equals. */
function labelNodes({ classes }: ClassTarget): OnnxNode[] {
  const identity = classes.of === 'number' && classes.values.every((value, index) => value === index)
  const best = node(
    'ArgMax',
    ['probabilities'],
    [identity ? 'label' : '.best'],
    [attribute.int('axis', 1), attribute.int('keepdims', 0)],
  )
  if (identity) return [best]
  const keys = attribute.ints(
    'keys_int64s',
    classes.values.map((_, index) => index),
  )
  const names =
    classes.of === 'text' ? attribute.strings('values_strings', classes.values) : attribute.ints('values_int64s', classes.values)
  const fallback = classes.of === 'text' ? attribute.string('default_string', '') : attribute.int('default_int64', -1)
  return [best, node('LabelEncoder', ['.best'], ['label'], [keys, names, fallback], ml)]
}

const classOutputs = ({ classes }: ClassTarget, k: number): OnnxValueInfo[] => [
  valueInfo('label', classes.of === 'text' ? elementType.string : elementType.int64, [null]),
  valueInfo('probabilities', elementType.float, [null, k]),
]
