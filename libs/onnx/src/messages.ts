/** ONNX's protobuf messages, the part that models are made of (field numbers from onnx.proto, ONNX 1.18). */

export interface OnnxModel {
  irVersion: number
  producerName?: string
  producerVersion?: string
  domain?: string
  modelVersion?: number
  docString?: string
  graph?: OnnxGraph
  opsetImport: OnnxOpset[]
  metadataProps?: OnnxEntry[]
  trainingInfo?: OnnxTraining[]
  functions?: OnnxFunction[]
}

export interface OnnxOpset {
  domain?: string
  version: number
}

export interface OnnxEntry {
  key: string
  value: string
}

export interface OnnxTraining {
  initialization?: OnnxGraph
  algorithm?: OnnxGraph
}

export interface OnnxFunction {
  name?: string
  node?: OnnxNode[]
  opsetImport?: OnnxOpset[]
  domain?: string
  attributeProto?: OnnxAttribute[]
}

export interface OnnxGraph {
  name?: string
  node?: OnnxNode[]
  initializer?: OnnxTensor[]
  sparseInitializer?: OnnxSparseTensor[]
  docString?: string
  input?: OnnxValueInfo[]
  output?: OnnxValueInfo[]
  valueInfo?: OnnxValueInfo[]
}

export interface OnnxNode {
  input?: string[]
  output?: string[]
  name?: string
  opType?: string
  domain?: string
  attribute?: OnnxAttribute[]
}

export interface OnnxAttribute {
  name: string
  type?: number
  f?: number
  i?: number
  s?: Uint8Array
  t?: OnnxTensor
  g?: OnnxGraph
  floats?: number[]
  ints?: number[]
  strings?: Uint8Array[]
  tensors?: OnnxTensor[]
  graphs?: OnnxGraph[]
  sparseTensor?: OnnxSparseTensor
  sparseTensors?: OnnxSparseTensor[]
}

export interface OnnxTensor {
  dims?: number[]
  dataType?: number
  floatData?: number[]
  int32Data?: number[]
  stringData?: Uint8Array[]
  int64Data?: number[]
  name?: string
  rawData?: Uint8Array
  doubleData?: number[]
  uint64Data?: number[]
  externalData?: OnnxEntry[]
  dataLocation?: number
}

export interface OnnxSparseTensor {
  values?: OnnxTensor
  indices?: OnnxTensor
  dims?: number[]
}

export interface OnnxValueInfo {
  name: string
  type?: OnnxType
}

/** A tensor's type; sequences, maps and optionals are kept as flags only: no model of ours takes them. */
export interface OnnxType {
  tensorType?: { elemType?: number; shape?: OnnxShape }
  sequenceType?: OnnxOpaque
  mapType?: OnnxOpaque
  sparseTensorType?: OnnxOpaque
  optionalType?: OnnxOpaque
}

export type OnnxOpaque = object

export interface OnnxShape {
  dim?: { dimValue?: number; dimParam?: string }[]
}

/** Element types of tensors by their number in `TensorProto.DataType`. */
export const elementType = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
} as const

/** `AttributeProto.AttributeType`. */
export const attributeType = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const

export type Scalar = 'int' | 'float' | 'double' | 'string' | 'bytes'
/** `*` after a kind means repeated. */
export type Field = readonly [name: string, kind: Scalar | `${Scalar}*` | MessageName | `${MessageName}*`]
export type MessageName =
  | 'Model'
  | 'Opset'
  | 'Entry'
  | 'Training'
  | 'Function'
  | 'Graph'
  | 'Node'
  | 'Attribute'
  | 'Tensor'
  | 'SparseTensor'
  | 'ValueInfo'
  | 'Type'
  | 'TensorType'
  | 'Shape'
  | 'Dim'
  | 'Opaque'

/** Message → field number → name and kind. */
export const messages: Record<MessageName, Record<number, Field>> = {
  Model: {
    1: ['irVersion', 'int'],
    2: ['producerName', 'string'],
    3: ['producerVersion', 'string'],
    4: ['domain', 'string'],
    5: ['modelVersion', 'int'],
    6: ['docString', 'string'],
    7: ['graph', 'Graph'],
    8: ['opsetImport', 'Opset*'],
    14: ['metadataProps', 'Entry*'],
    20: ['trainingInfo', 'Training*'],
    25: ['functions', 'Function*'],
  },
  Opset: { 1: ['domain', 'string'], 2: ['version', 'int'] },
  Entry: { 1: ['key', 'string'], 2: ['value', 'string'] },
  Training: { 1: ['initialization', 'Graph'], 2: ['algorithm', 'Graph'] },
  Function: {
    1: ['name', 'string'],
    7: ['node', 'Node*'],
    9: ['opsetImport', 'Opset*'],
    10: ['domain', 'string'],
    11: ['attributeProto', 'Attribute*'],
  },
  Graph: {
    1: ['node', 'Node*'],
    2: ['name', 'string'],
    5: ['initializer', 'Tensor*'],
    10: ['docString', 'string'],
    11: ['input', 'ValueInfo*'],
    12: ['output', 'ValueInfo*'],
    13: ['valueInfo', 'ValueInfo*'],
    15: ['sparseInitializer', 'SparseTensor*'],
  },
  Node: {
    1: ['input', 'string*'],
    2: ['output', 'string*'],
    3: ['name', 'string'],
    4: ['opType', 'string'],
    5: ['attribute', 'Attribute*'],
    7: ['domain', 'string'],
  },
  Attribute: {
    1: ['name', 'string'],
    2: ['f', 'float'],
    3: ['i', 'int'],
    4: ['s', 'bytes'],
    5: ['t', 'Tensor'],
    6: ['g', 'Graph'],
    7: ['floats', 'float*'],
    8: ['ints', 'int*'],
    9: ['strings', 'bytes*'],
    10: ['tensors', 'Tensor*'],
    11: ['graphs', 'Graph*'],
    20: ['type', 'int'],
    22: ['sparseTensor', 'SparseTensor'],
    23: ['sparseTensors', 'SparseTensor*'],
  },
  Tensor: {
    1: ['dims', 'int*'],
    2: ['dataType', 'int'],
    4: ['floatData', 'float*'],
    5: ['int32Data', 'int*'],
    6: ['stringData', 'bytes*'],
    7: ['int64Data', 'int*'],
    8: ['name', 'string'],
    9: ['rawData', 'bytes'],
    10: ['doubleData', 'double*'],
    11: ['uint64Data', 'int*'],
    13: ['externalData', 'Entry*'],
    14: ['dataLocation', 'int'],
  },
  SparseTensor: { 1: ['values', 'Tensor'], 2: ['indices', 'Tensor'], 3: ['dims', 'int*'] },
  ValueInfo: { 1: ['name', 'string'], 2: ['type', 'Type'] },
  Type: {
    1: ['tensorType', 'TensorType'],
    4: ['sequenceType', 'Opaque'],
    5: ['mapType', 'Opaque'],
    8: ['sparseTensorType', 'Opaque'],
    9: ['optionalType', 'Opaque'],
  },
  TensorType: { 1: ['elemType', 'int'], 2: ['shape', 'Shape'] },
  Shape: { 1: ['dim', 'Dim*'] },
  Dim: { 1: ['dimValue', 'int'], 2: ['dimParam', 'string'] },
  Opaque: {},
}
