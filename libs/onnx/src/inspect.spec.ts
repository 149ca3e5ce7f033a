import { describe, expect, it } from 'vitest'
import {
  attribute,
  decodeModel,
  elementType,
  encodeModel,
  inspectModel,
  modelLimits,
  node,
  tensor,
  UnsafeModel,
  valueInfo,
} from './index.ts'
import { type OnnxGraph, type OnnxModel } from './messages.ts'

const model = (graph: Partial<OnnxGraph> = {}, more: Partial<OnnxModel> = {}): OnnxModel => ({
  irVersion: 8,
  producerName: 'test',
  opsetImport: [
    { domain: '', version: 15 },
    { domain: 'ai.onnx.ml', version: 3 },
  ],
  graph: {
    name: 'g',
    input: [valueInfo('x', elementType.float, [null, 1])],
    output: [valueInfo('y', elementType.float, [null, 1])],
    node: [node('Identity', ['x'], ['y'])],
    ...graph,
  },
  ...more,
})

const refused = (given: OnnxModel | Uint8Array, limits = modelLimits): string => {
  try {
    inspectModel(given instanceof Uint8Array ? given : encodeModel(given), limits)
  } catch (error) {
    if (error instanceof UnsafeModel) return error.code
    throw error
  }
  return 'accepted'
}

describe('codec', () => {
  it('reads what it wrote, floats, negative integers and strings included', () => {
    const written = model({
      initializer: [
        tensor.float('w', [3], [0.5, -1.25, 3]),
        tensor.int64('i', [2], [-7, 2 ** 40]),
        tensor.string('s', [2], ['é', '']),
      ],
      node: [
        node(
          'LabelEncoder',
          ['x'],
          ['y'],
          [attribute.strings('keys_strings', ['a', 'b']), attribute.floats('values_floats', [1, 2])],
          'ai.onnx.ml',
        ),
      ],
    })
    const read = decodeModel(encodeModel(written))
    expect(read.graph?.initializer?.[1]?.int64Data).toEqual([-7, 2 ** 40])
    expect(encodeModel(read)).toEqual(encodeModel(written))
  })
})

describe('inspectModel', () => {
  it('tells inputs, outputs and operator sets of a sound model', () => {
    expect(inspectModel(encodeModel(model()))).toEqual({
      inputs: [{ name: 'x', elementType: 1, shape: [-1, 1] }],
      outputs: [{ name: 'y', elementType: 1, shape: [-1, 1] }],
      opsets: { 'ai.onnx': 15, 'ai.onnx.ml': 3 },
      nodes: 1,
      operators: ['Identity'],
      producer: 'test',
    })
  })

  it.each([
    ['text', new TextEncoder().encode('not a model at all, but long enough to look at')],
    ['an empty file', new Uint8Array()],
    ['a pickle', new Uint8Array([0x80, 0x04, 0x95, 0x10, 0, 0, 0, 0, 0, 0, 0])],
    [
      'a model cut in half',
      encodeModel(
        model({
          initializer: [
            tensor.float(
              'w',
              [64],
              Array.from({ length: 64 }, (_, i) => i),
            ),
          ],
        }),
      ).slice(0, 90),
    ],
    ['a model without a graph', encodeModel({ irVersion: 8, opsetImport: [{ version: 15 }] })],
  ])('refuses %s', (_, bytes) => {
    expect(refused(bytes)).toBe('NOT_ONNX')
  })

  it('refuses external data, also in an attribute of a branch', () => {
    const outside = {
      name: 'w',
      dims: [1],
      dataType: 1,
      dataLocation: 1,
      externalData: [{ key: 'location', value: '../secret' }],
    }
    expect(refused(model({ initializer: [outside] }))).toBe('EXTERNAL_DATA')
    const branch = { name: 'then', node: [node('Constant', [], ['c'], [attribute.tensor('value', outside)])], output: [] }
    expect(refused(model({ node: [node('If', ['x'], ['y'], [{ name: 'then_branch', type: 5, g: branch }])] }))).toBe(
      'EXTERNAL_DATA',
    )
  })

  it('refuses foreign domains of nodes, operator sets and functions', () => {
    expect(refused(model({ node: [node('Evil', ['x'], ['y'], [], 'com.example')] }))).toBe('FOREIGN_DOMAIN')
    expect(refused(model({}, { opsetImport: [{ domain: 'com.microsoft', version: 1 }] }))).toBe('FOREIGN_DOMAIN')
    expect(refused(model({}, { functions: [{ name: 'f', domain: 'mine' }] }))).toBe('FOREIGN_DOMAIN')
  })

  it('refuses graphs that run or allocate without bound', () => {
    expect(refused(model({ node: [node('Loop', ['x'], ['y'])] }))).toBe('UNBOUNDED_GRAPH')
    const huge = tensor.int64('shape', [2], [1_000_000, 1_000_000])
    expect(refused(model({ initializer: [huge], node: [node('ConstantOfShape', ['shape'], ['y'])] }))).toBe('UNBOUNDED_GRAPH')
    expect(
      refused(
        model({ node: [node('Constant', [], ['s'], [attribute.tensor('value', huge)]), node('Expand', ['x', 's'], ['y'])] }),
      ),
    ).toBe('UNBOUNDED_GRAPH')
  })

  it('refuses too many nodes, objects, bytes, and dimensions that overflow', () => {
    expect(
      refused(model({ node: Array.from({ length: 50 }, () => node('Identity', ['x'], ['y'])) }), { ...modelLimits, nodes: 49 }),
    ).toBe('TOO_COMPLEX')
    const bomb = new Uint8Array(2_000_000).map((_, at) => (at % 2 === 0 ? (8 << 3) | 2 : 0))
    expect(refused(bomb)).toBe('TOO_COMPLEX')
    expect(refused(model(), { ...modelLimits, bytes: 10 })).toBe('TOO_LARGE')
    expect(refused(model({ initializer: [tensor.float('w', [2 ** 31, 2 ** 31, 4], [])] }))).toBe('TOO_LARGE')
    expect(refused(model({ initializer: [tensor.float('w', [-1], [])] }))).toBe('CORRUPT_TENSOR')
  })

  it('refuses graphs nested beyond reason', () => {
    let graph: OnnxGraph = { name: 'leaf' }
    for (let depth = 0; depth < 200; depth++)
      graph = { name: 'g', node: [node('If', ['x'], ['y'], [{ name: 'then_branch', type: 5, g: graph }])] }
    expect(refused(model(graph))).toBe('TOO_COMPLEX')
  })

  it('refuses maps and sequences as outputs', () => {
    expect(refused(model({ output: [{ name: 'y', type: { sequenceType: {} } }] }))).toBe('UNSUPPORTED_TYPE')
  })
})
