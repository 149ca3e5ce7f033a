import { createHash } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { type ModelFile } from './host-messages.ts'

interface Graph {
  nodes: OnnxNode[]
  inputs: OnnxValueInfo[]
  outputs: OnnxValueInfo[]
  constants?: OnnxTensor[]
}

/** A model file of a graph, for tests. */
export const modelOf = ({ nodes, inputs, outputs, constants = [] }: Graph): Uint8Array =>
  encodeModel({
    irVersion: 8,
    producerName: 'cascata-test',
    graph: { name: 'graph', node: nodes, input: inputs, output: outputs, initializer: constants },
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
  })

const { float, int64 } = elementType

/** A logistic classifier of float columns [n, 1]: p = σ(Σ weight · x + bias); outputs `label` int64 and `probabilities`. A missing value counts as 0. */
export const logisticModel = (weights: Record<string, number>, bias = 0): Uint8Array => {
  const names = Object.keys(weights)
  return modelOf({
    nodes: [
      node('Concat', names, ['raw'], [attribute.int('axis', 1)]),
      node('IsNaN', ['raw'], ['absent']),
      node('Where', ['absent', 'zero', 'raw'], ['x']),
      node(
        'LinearClassifier',
        ['x'],
        ['label', 'probabilities'],
        [
          attribute.floats('coefficients', [
            ...names.map((name) => -weights[name]! / 2),
            ...names.map((name) => weights[name]! / 2),
          ]),
          attribute.floats('intercepts', [-bias / 2, bias / 2]),
          attribute.ints('classlabels_ints', [0, 1]),
          attribute.string('post_transform', 'SOFTMAX'),
        ],
        'ai.onnx.ml',
      ),
    ],
    constants: [tensor.float('zero', [1], [0])],
    inputs: names.map((name) => valueInfo(name, float, [null, 1])),
    outputs: [valueInfo('label', int64, [null]), valueInfo('probabilities', float, [null, 2])],
  })
}

/** y = 2x, for a float matrix [n, k]. */
export const doublingModel = (width: number): Uint8Array =>
  modelOf({
    nodes: [node('Add', ['x', 'x'], ['y'])],
    inputs: [valueInfo('x', float, [null, width])],
    outputs: [valueInfo('y', float, [null, width])],
  })

/** Allocates as many floats as its input says: no file check can bound it. */
export const allocatingModel = (): Uint8Array =>
  modelOf({
    nodes: [node('ConstantOfShape', ['n'], ['zeros']), node('ReduceSum', ['zeros'], ['y'], [attribute.int('keepdims', 0)])],
    inputs: [valueInfo('n', int64, [1])],
    outputs: [valueInfo('y', float, [])],
  })

/** Passes a tensor of any element type through, [n]. */
export const identityModel = (type: number): Uint8Array =>
  modelOf({
    nodes: [node('Identity', ['x'], ['y'])],
    inputs: [valueInfo('x', type, [null])],
    outputs: [valueInfo('y', type, [null])],
  })

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The model on disk, as an engine takes it. */
export async function fileOf(bytes: Uint8Array): Promise<ModelFile> {
  const path = join(await mkdtemp(join(tmpdir(), 'cascata-model-')), 'model.onnx')
  await writeFile(path, bytes)
  return { path, sha256: sha256Of(bytes) }
}
