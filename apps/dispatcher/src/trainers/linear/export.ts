import { attribute, elementType, node, tensor, type OnnxNode, type OnnxTensor } from '@cascata/onnx'
import { type RawGraph } from '../learner.ts'
import { widest, type NumberTerm, type TextTerm } from './design.ts'
import { type LinearModel } from './fit.ts'

/** The sum as ONNX nodes: standardised numbers and missing flags by one matrix product, each text by a look-up of its category's weights. */
export function linearGraph(model: LinearModel): RawGraph {
  const numbers = model.design.terms.filter((term) => term.kind === 'number')
  const texts = model.design.terms.filter((term) => term.kind === 'text')
  const parts = [...(numbers.length > 0 ? [numberPart(model, numbers)] : []), ...texts.map((term) => textPart(model, term))]
  const sums = parts.map(({ output }) => output)
  const nodes: OnnxNode[] = parts.flatMap(({ nodes }) => nodes)
  const initializers: OnnxTensor[] = parts.flatMap(({ initializers }) => initializers)
  const k = model.outputs
  const intercepts = Array.from({ length: k }, (_, output) => weightAt(model, output, model.design.width - 1))
  nodes.push(node('Sum', [...sums, '.intercepts'], ['.sum']))
  initializers.push(tensor.float('.intercepts', [1, k], intercepts))
  if (model.scale === 1 && model.centre === 0) return { nodes, initializers, output: '.sum' }
  nodes.push(node('Mul', ['.sum', '.scale'], ['.scaled']), node('Add', ['.scaled', '.centre'], ['.raw']))
  initializers.push(tensor.float('.scale', [1], [model.scale]), tensor.float('.centre', [1], [model.centre]))
  return { nodes, initializers, output: '.raw' }
}

function numberPart(model: LinearModel, terms: NumberTerm[]): RawGraph {
  const n = terms.length
  const k = model.outputs
  const weights = (offset: number): number[] =>
    terms.flatMap(({ at }) => Array.from({ length: k }, (_, output) => weightAt(model, output, at + offset)))
  return {
    nodes: [
      node(
        'Concat',
        terms.map(({ name }) => name),
        ['.numbers'],
        [attribute.int('axis', 1)],
      ),
      node('IsNaN', ['.numbers'], ['.absent']),
      node('Sub', ['.numbers', '.centres'], ['.centred']),
      node('Mul', ['.centred', '.inverses'], ['.standard']),
      node('Clip', ['.standard', '.lowest', '.highest'], ['.clipped']),
      node('Where', ['.absent', '.zero', '.clipped'], ['.filled']),
      node('Cast', ['.absent'], ['.flags'], [attribute.int('to', elementType.float)]),
      node('Concat', ['.filled', '.flags'], ['.row'], [attribute.int('axis', 1)]),
      node('MatMul', ['.row', '.weights'], ['.numbers.sum']),
    ],
    initializers: [
      tensor.float(
        '.centres',
        [n],
        terms.map(({ centre }) => centre),
      ),
      tensor.float(
        '.inverses',
        [n],
        terms.map(({ inverse }) => inverse),
      ),
      tensor.float('.zero', [1], [0]),
      tensor.float('.lowest', [], [-widest]),
      tensor.float('.highest', [], [widest]),
      tensor.float('.weights', [2 * n, k], [...weights(0), ...weights(1)]),
    ],
    output: '.numbers.sum',
  }
}

function textPart(model: LinearModel, { name, at, words }: TextTerm): RawGraph {
  const k = model.outputs
  const rows = Array.from({ length: words.length + 2 }, (_, row) =>
    Array.from({ length: k }, (__, output) => weightAt(model, output, at + row)),
  )
  const prefix = `.${name}`
  const encoder = [
    attribute.strings('keys_strings', [...words, '']),
    attribute.ints('values_int64s', [...words.keys(), words.length + 1]),
    attribute.int('default_int64', words.length),
  ]
  return {
    nodes: [
      node('LabelEncoder', [name], [`${prefix}.category`], encoder, 'ai.onnx.ml'),
      node('Gather', [`${prefix}.weights`, `${prefix}.category`], [`${prefix}.looked-up`], [attribute.int('axis', 0)]),
      node('Squeeze', [`${prefix}.looked-up`, `${prefix}.axis`], [`${prefix}.sum`]),
    ],
    initializers: [tensor.float(`${prefix}.weights`, [rows.length, k], rows.flat()), tensor.int64(`${prefix}.axis`, [1], [1])],
    output: `${prefix}.sum`,
  }
}

const weightAt = ({ weights, design }: LinearModel, output: number, at: number): number =>
  weights[output * design.width + at] as number
