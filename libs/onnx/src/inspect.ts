import { decodeLimits, decodeModel, type DecodeLimits } from './codec.ts'
import { UnsafeModel } from './errors.ts'
import { elementType, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './messages.ts'

/** Bounds on a model file. */
export interface ModelLimits extends DecodeLimits {
  /** Size of the file in bytes. */
  bytes: number
  nodes: number
  inputs: number
  /** Elements of one constant tensor, and of a tensor whose constant shape the graph states. */
  elements: number
}

export const modelLimits: ModelLimits = {
  ...decodeLimits,
  bytes: 256 * 2 ** 20,
  nodes: 100_000,
  inputs: 2_000,
  elements: 64_000_000,
}

export interface TensorSpec {
  name: string
  /** Number of `TensorProto.DataType`: 1 float, 7 int64, 8 string, … */
  elementType: number
  /** −1 is a free dimension. */
  shape: number[]
}

/** What a file that passed says of itself. */
export interface ModelFacts {
  inputs: TensorSpec[]
  outputs: TensorSpec[]
  opsets: Record<string, number>
  nodes: number
  operators: string[]
  producer: string
}

const domains = new Set(['', 'ai.onnx', 'ai.onnx.ml'])

/** Operators whose work or memory the file alone does not bound. */
const unbounded = new Set(['Loop', 'Scan', 'SequenceMap'])

/** Operators that make a tensor of the shape that one input names: [operator, which input]. */
const shaping = new Map([
  ['ConstantOfShape', 0],
  ['Expand', 1],
  ['Reshape', 1],
  ['Tile', 1],
  ['RandomNormal', -1],
  ['RandomUniform', -1],
])

/**
 * Checks a model file before anything loads it: ONNX only, no external data, no foreign operators, bounded.
 * Reads the protobuf itself; nothing is executed, allocated by the graph's word, or read from disk.
 *
 * @throws UnsafeModel with the code of the first reason found.
 */
export function inspectModel(bytes: Uint8Array, limits: ModelLimits = modelLimits): ModelFacts {
  if (bytes.length > limits.bytes)
    throw new UnsafeModel('TOO_LARGE', `The model file has ${bytes.length} bytes; at most ${limits.bytes} are allowed.`, {
      bytes: bytes.length,
    })
  return inspect(decodeModel(bytes, limits), limits)
}

function inspect(model: OnnxModel, limits: ModelLimits): ModelFacts {
  const graph = model.graph
  if (!graph || model.irVersion < 1 || model.opsetImport.length === 0)
    throw new UnsafeModel('NOT_ONNX', 'The file is not an ONNX model: it has no graph, IR version or operator set.')
  for (const opset of model.opsetImport) checkDomain(opset.domain, 'operator set')
  if (model.trainingInfo?.length) throw new UnsafeModel('UNSUPPORTED_TYPE', 'The model carries training graphs.')
  const count = { nodes: 0, operators: new Set<string>() }
  for (const fn of model.functions ?? []) {
    checkDomain(fn.domain, `function ${fn.name}`)
    checkNodes(fn.node ?? [], new Map(), limits, count)
  }
  checkGraph(graph, limits, count)
  if ((graph.input?.length ?? 0) > limits.inputs)
    throw new UnsafeModel('TOO_COMPLEX', `The model has ${graph.input?.length} inputs; at most ${limits.inputs} are allowed.`)
  const constants = new Set(graph.initializer?.map((each) => each.name))
  return {
    inputs: (graph.input ?? []).filter((each) => !constants.has(each.name)).map(tensorSpec),
    outputs: (graph.output ?? []).map(tensorSpec),
    opsets: Object.fromEntries(model.opsetImport.map((each) => [each.domain || 'ai.onnx', each.version])),
    nodes: count.nodes,
    operators: [...count.operators].sort(),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
  }
}

interface Count {
  nodes: number
  operators: Set<string>
}

function checkGraph(graph: OnnxGraph, limits: ModelLimits, count: Count): void {
  const constants = new Map<string, OnnxTensor>()
  for (const each of graph.initializer ?? []) {
    checkTensor(each, limits)
    constants.set(each.name ?? '', each)
  }
  for (const sparse of graph.sparseInitializer ?? []) {
    for (const part of [sparse.values, sparse.indices]) if (part) checkTensor(part, limits)
    checkSize(sparse.dims ?? [], sparse.values?.name ?? 'sparse', limits)
  }
  checkNodes(graph.node ?? [], constants, limits, count)
}

function checkNodes(nodes: OnnxNode[], constants: Map<string, OnnxTensor>, limits: ModelLimits, count: Count): void {
  for (const node of nodes) {
    if (++count.nodes > limits.nodes) throw new UnsafeModel('TOO_COMPLEX', `The model has more than ${limits.nodes} nodes.`)
    const operator = node.opType ?? ''
    count.operators.add(operator)
    checkDomain(node.domain, `node ${node.name || operator}`)
    if (unbounded.has(operator))
      throw new UnsafeModel('UNBOUNDED_GRAPH', `Operator ${operator} of node ${node.name} can run and allocate without bound.`, {
        operator,
      })
    for (const each of node.attribute ?? []) {
      for (const tensor of [each.t, ...(each.tensors ?? [])]) if (tensor) checkTensor(tensor, limits)
      for (const sparse of [each.sparseTensor, ...(each.sparseTensors ?? [])])
        for (const part of [sparse?.values, sparse?.indices]) if (part) checkTensor(part, limits)
      for (const graph of [each.g, ...(each.graphs ?? [])]) if (graph) checkGraph(graph, limits, count)
      if (operator === 'Constant' && each.t && node.output?.[0]) constants.set(node.output[0], each.t)
    }
    checkShape(node, constants, limits)
  }
}

function checkShape(node: OnnxNode, constants: Map<string, OnnxTensor>, limits: ModelLimits): void {
  const at = shaping.get(node.opType ?? '')
  if (at === undefined) return
  const stated =
    at < 0 ? node.attribute?.find((each) => each.name === 'shape')?.ints : integers(constants.get(node.input?.[at] ?? ''))
  if (!stated) return
  const size = stated.reduce((product, dim) => product * Math.max(Math.abs(dim), 1), 1)
  if (!(size <= limits.elements))
    throw new UnsafeModel(
      'UNBOUNDED_GRAPH',
      `Node ${node.name} makes a tensor of ${size} elements; at most ${limits.elements} are allowed.`,
      {
        operator: node.opType,
        elements: size,
      },
    )
}

function integers(tensor: OnnxTensor | undefined): number[] | undefined {
  if (!tensor || tensor.dataType !== elementType.int64) return undefined
  const raw = tensor.rawData
  if (!raw?.length) return tensor.int64Data ?? []
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  return Array.from({ length: Math.floor(raw.byteLength / 8) }, (_, at) => Number(view.getBigInt64(at * 8, true)))
}

function checkTensor(tensor: OnnxTensor, limits: ModelLimits): void {
  if (tensor.externalData?.length || (tensor.dataLocation ?? 0) !== 0)
    throw new UnsafeModel('EXTERNAL_DATA', `Tensor ${tensor.name} keeps its data in another file.`, { tensor: tensor.name })
  checkSize(tensor.dims ?? [], tensor.name ?? '', limits)
}

function checkSize(dims: number[], name: string, limits: ModelLimits): void {
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw new UnsafeModel('CORRUPT_TENSOR', `Tensor ${name} has the dimensions [${dims.join(', ')}].`, { tensor: name })
  const size = dims.reduce((product, dim) => product * dim, 1)
  if (size > limits.elements)
    throw new UnsafeModel('TOO_LARGE', `Tensor ${name} has ${size} elements; at most ${limits.elements} are allowed.`, {
      tensor: name,
    })
}

function checkDomain(domain: string | undefined, where: string): void {
  if (!domains.has(domain ?? ''))
    throw new UnsafeModel(
      'FOREIGN_DOMAIN',
      `The ${where} is of the domain "${domain}"; only ai.onnx and ai.onnx.ml are allowed.`,
      { domain },
    )
}

function tensorSpec({ name, type }: OnnxValueInfo): TensorSpec {
  const tensor = type?.tensorType
  if (!tensor?.elemType)
    throw new UnsafeModel('UNSUPPORTED_TYPE', `Input or output ${name} is not a tensor (export with zipmap off).`, { name })
  const shape = (tensor.shape?.dim ?? []).map(({ dimValue }) => dimValue ?? -1)
  return { name, elementType: tensor.elemType, shape: shape.map((dim) => (dim > 0 ? dim : -1)) }
}
