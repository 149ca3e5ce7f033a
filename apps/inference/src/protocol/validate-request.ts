import { InvalidRequest } from './invalid-request.ts'
import { elementsOf, isDatatype, kinds, type Datatype, type Elements, type Tensor } from './tensors.ts'

export type Scalar = string | number | boolean
export type Parameters = Readonly<Record<string, Scalar>>

export interface RequestedOutput {
  name: string
  binary: boolean | undefined
}

/** A request whose tensors are decoded and consistent in themselves; whether a model takes them is another question. */
export interface InferRequest {
  id: string | undefined
  parameters: Parameters
  inputs: Tensor[]
  outputs: RequestedOutput[] | undefined
  binaryOutput: boolean
}

export interface Limits {
  /** Elements of one tensor. */
  elements: number
  inputs: number
  dimensions: number
}

/** Takes the bytes of the next binary tensor, in input order. */
export type TakeBinary = (size: number, name: string) => Uint8Array

const bad = (message: string): never => {
  throw new InvalidRequest('INF_INVALID_REQUEST', message)
}
const badTensor = (name: string, message: string): never => {
  throw new InvalidRequest('INF_INVALID_TENSOR', `Input ${name}: ${message}.`, { input: name })
}
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * An inference request of the Open Inference Protocol v2 from its JSON part, strictly: no numeric strings, no negative or overflowing
 * shapes, no duplicates, counts that agree.
 *
 * @param takeBinary bytes that follow the JSON, for inputs with `parameters.binary_data_size`
 * @throws InvalidRequest with the name of the input
 */
export function validateRequest(json: unknown, limits: Limits, takeBinary?: TakeBinary): InferRequest {
  if (!isObject(json)) return bad('The body must be an object with `inputs`.')
  if (json.id !== undefined && json.id !== null && typeof json.id !== 'string') bad('`id` must be a string.')
  const parameters = validateParameters(json.parameters, 'parameters')
  return {
    id: (json.id as string | null | undefined) ?? undefined,
    parameters,
    inputs: validateInputs(json.inputs, limits, takeBinary),
    outputs: validateOutputs(json.outputs, limits),
    binaryOutput: flag(parameters, 'binary_data_output') ?? false,
  }
}

function validateParameters(value: unknown, where: string): Parameters {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) return bad(`\`${where}\` must be an object.`)
  for (const [name, entry] of Object.entries(value)) {
    if (typeof entry !== 'string' && typeof entry !== 'number' && typeof entry !== 'boolean')
      bad(`\`${where}.${name}\` must be a string, a number or a boolean.`)
  }
  return value as Parameters
}

function flag(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters[name]
  if (value === undefined || typeof value === 'boolean') return value
  return bad(`\`parameters.${name}\` must be true or false.`)
}

function nameOf(value: unknown, list: string, at: number): string {
  if (!isObject(value)) return bad(`\`${list}[${at}]\` must be an object.`)
  return typeof value.name === 'string' && value.name !== '' ? value.name : bad(`\`${list}[${at}].name\` must be a string.`)
}

function refuseDuplicates(names: readonly string[], list: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) bad(`\`${list}\` names ${name} twice.`)
    seen.add(name)
  }
}

function validateOutputs(value: unknown, limits: Limits): RequestedOutput[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) return bad('`outputs` must be an array.')
  if (value.length > limits.inputs) bad(`\`outputs\` has more than ${limits.inputs} entries.`)
  const outputs = value.map((output: Record<string, unknown>, at) => ({
    name: nameOf(output, 'outputs', at),
    binary: flag(validateParameters(output.parameters, `outputs[${at}].parameters`), 'binary_data'),
  }))
  refuseDuplicates(
    outputs.map(({ name }) => name),
    'outputs',
  )
  return outputs
}

function validateInputs(value: unknown, limits: Limits, takeBinary?: TakeBinary): Tensor[] {
  if (!Array.isArray(value) || value.length === 0) return bad('`inputs` must be a non-empty array.')
  if (value.length > limits.inputs) bad(`\`inputs\` has more than ${limits.inputs} entries.`)
  const tensors = value.map((input: Record<string, unknown>, at) =>
    validateInput(input, nameOf(input, 'inputs', at), limits, takeBinary),
  )
  if (tensors.length > 1)
    refuseDuplicates(
      tensors.map(({ name }) => name),
      'inputs',
    )
  return tensors
}

function validateInput(input: Record<string, unknown>, name: string, limits: Limits, takeBinary?: TakeBinary): Tensor {
  const { datatype } = input
  if (!isDatatype(datatype)) return badTensor(name, `datatype ${JSON.stringify(datatype) ?? 'is absent and'} is not known`)
  const shape = validateShape(input.shape, name, limits)
  const size =
    input.parameters === undefined
      ? undefined
      : validateParameters(input.parameters, `inputs.${name}.parameters`).binary_data_size
  if (size === undefined) {
    if (!Array.isArray(input.data)) return badTensor(name, '`data` must be an array')
    return fill(name, datatype, shape, input.data)
  }
  if (input.data !== undefined) badTensor(name, 'has both `data` and binary data')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    return badTensor(name, '`binary_data_size` must be a count of bytes')
  if (!takeBinary) return badTensor(name, 'has `binary_data_size`, but the header Inference-Header-Content-Length is absent')
  return fromBinary(name, datatype, shape, takeBinary(size, name))
}

function validateShape(value: unknown, name: string, limits: Limits): number[] {
  if (!Array.isArray(value)) return badTensor(name, '`shape` must be an array')
  if (value.length > limits.dimensions) badTensor(name, `has more than ${limits.dimensions} dimensions`)
  let product = 1
  for (const length of value) {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0)
      badTensor(name, 'dimensions must be whole numbers, not negative')
    product *= length
    if (product > limits.elements) badTensor(name, `shape [${value.join(', ')}] holds more than ${limits.elements} elements`)
  }
  return value as number[]
}

function fill(name: string, datatype: Datatype, shape: number[], data: unknown[]): Tensor {
  const count = elementsOf(shape)
  const nested = shape.length > 1 && Array.isArray(data[0])
  if (!nested && data.length !== count)
    badTensor(name, `shape [${shape.join(', ')}] needs ${count} elements, data has ${data.length}`)
  const elements = kinds[datatype].create(count)
  const put = writer(name, datatype, elements)
  const tensor = { name, datatype, shape, data: elements, missing: false }
  let at = 0
  const walk = (level: unknown, depth: number): void => {
    if (!Array.isArray(level) || level.length !== shape[depth])
      return badTensor(name, `data does not have the shape [${shape.join(', ')}]`)
    if (depth + 1 < shape.length) for (const inner of level) walk(inner, depth + 1)
    else for (const element of level) if (put(element, at++)) tensor.missing = true
  }
  if (nested) walk(data, 0)
  else for (const element of data) if (put(element, at++)) tensor.missing = true
  return tensor
}

/** Checks and stores one element; true when it is missing (null in a float or text tensor). */
function writer(name: string, datatype: Datatype, elements: Elements): (value: unknown, at: number) => boolean {
  const kind = kinds[datatype]
  const wrong = (value: unknown, at: number) => {
    const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
    return badTensor(name, `element ${at} is ${shown.slice(0, 40)}, not ${datatype}`)
  }
  const target = elements as Record<number, unknown>
  switch (kind.is) {
    case 'float':
      return (value, at) => {
        if (value === null) return ((target[at] = NaN), true)
        const number = typeof value === 'bigint' ? Number(value) : value
        if (typeof number !== 'number' || !(number >= kind.min && number <= kind.max)) wrong(value, at)
        return ((target[at] = number), false)
      }
    case 'int':
      return (value, at) => {
        if (typeof value !== 'number' || !Number.isInteger(value) || value < kind.min || value > kind.max) wrong(value, at)
        return ((target[at] = value), false)
      }
    case 'bigint':
      return (value, at) => {
        if (typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'bigint') wrong(value, at)
        const number = BigInt(value as number | bigint)
        if (datatype === 'INT64' ? BigInt.asIntN(64, number) !== number : BigInt.asUintN(64, number) !== number) wrong(value, at)
        return ((target[at] = number), false)
      }
    case 'bool':
      return (value, at) => {
        if (typeof value !== 'boolean') wrong(value, at)
        return ((target[at] = value ? 1 : 0), false)
      }
    case 'text':
      return (value, at) => {
        if (value === null) return ((target[at] = ''), true)
        if (typeof value !== 'string') wrong(value, at)
        return ((target[at] = value), false)
      }
  }
}

/** A tensor from little-endian bytes; BYTES elements have a 4-byte length before them. */
export function fromBinary(name: string, datatype: Datatype, shape: number[], bytes: Uint8Array): Tensor {
  const count = elementsOf(shape)
  const kind = kinds[datatype]
  if (kind.is === 'text') return { name, datatype, shape, data: readTexts(name, count, bytes), missing: false }
  if (bytes.byteLength !== count * kind.bytes)
    badTensor(
      name,
      `shape [${shape.join(', ')}] of ${datatype} takes ${count * kind.bytes} bytes, the body has ${bytes.byteLength}`,
    )
  const data = kind.view(new Uint8Array(bytes).buffer)
  if (kind.is === 'bool' && (data as Uint8Array).some((element) => element > 1)) badTensor(name, 'a BOOL is 0 or 1')
  return { name, datatype, shape, data, missing: kind.is === 'float' && (data as Float32Array).some(Number.isNaN) }
}

function readTexts(name: string, count: number, bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const texts: string[] = []
  let at = 0
  while (at < bytes.byteLength && texts.length < count) {
    const length = at + 4 <= bytes.byteLength ? view.getUint32(at, true) : Infinity
    if (at + 4 + length > bytes.byteLength) badTensor(name, 'a length of a BYTES element is beyond the tensor')
    texts.push(decodeText(decoder, bytes.subarray(at + 4, at + 4 + length), name))
    at += 4 + length
  }
  if (texts.length !== count || at !== bytes.byteLength) badTensor(name, `does not hold ${count} BYTES elements exactly`)
  return texts
}

function decodeText(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array, name: string): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return badTensor(name, 'BYTES must be UTF-8')
  }
}
