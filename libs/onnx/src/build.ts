import { attributeType, elementType, type OnnxAttribute, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from './messages.ts'

const utf8 = new TextEncoder()

/** Attribute of one number, string, tensor or list; whole numbers must be given as `int` or `ints`. */
export const attribute = {
  float: (name: string, f: number): OnnxAttribute => ({ name, type: attributeType.float, f }),
  int: (name: string, i: number): OnnxAttribute => ({ name, type: attributeType.int, i }),
  string: (name: string, s: string): OnnxAttribute => ({ name, type: attributeType.string, s: utf8.encode(s) }),
  tensor: (name: string, t: OnnxTensor): OnnxAttribute => ({ name, type: attributeType.tensor, t }),
  floats: (name: string, floats: number[]): OnnxAttribute => ({ name, type: attributeType.floats, floats }),
  ints: (name: string, ints: number[]): OnnxAttribute => ({ name, type: attributeType.ints, ints }),
  strings: (name: string, strings: string[]): OnnxAttribute => ({
    name,
    type: attributeType.strings,
    strings: strings.map((text) => utf8.encode(text)),
  }),
}

/** A node of the `ai.onnx` domain, or of `ai.onnx.ml` when said so. */
export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: OnnxAttribute[] = [],
  domain = '',
): OnnxNode => ({
  input,
  output,
  name: output[0],
  opType,
  attribute: attributes,
  ...(domain ? { domain } : {}),
})

/** Constant tensors, by element type. */
export const tensor = {
  float: (name: string, dims: number[], floatData: number[]): OnnxTensor => ({
    name,
    dims,
    dataType: elementType.float,
    floatData,
  }),
  int64: (name: string, dims: number[], int64Data: number[]): OnnxTensor => ({
    name,
    dims,
    dataType: elementType.int64,
    int64Data,
  }),
  string: (name: string, dims: number[], texts: string[]): OnnxTensor => ({
    name,
    dims,
    dataType: elementType.string,
    stringData: texts.map((text) => utf8.encode(text)),
  }),
}

/** An input or output; a `null` dimension is free. */
export const valueInfo = (name: string, elemType: number, dims: (number | null)[]): OnnxValueInfo => ({
  name,
  type: {
    tensorType: { elemType, shape: { dim: dims.map((dim) => (dim === null ? { dimParam: 'rows' } : { dimValue: dim })) } },
  },
})
