import { InvalidRequest } from './invalid-request.ts'
import { parseJson } from './parse-json.ts'
import { fromBinary, validateRequest, type InferRequest, type Limits, type TakeBinary } from './validate-request.ts'
import { kinds, type TensorSpec } from './tensors.ts'

const bad = (message: string): never => {
  throw new InvalidRequest('INF_INVALID_BINARY', message)
}

/**
 * A request body: JSON, or JSON followed by little-endian tensors.
 *
 * @param headerLength header `Inference-Header-Content-Length`: bytes of the JSON part; 0 = the body is the model's only input, raw
 * @param only the model's inputs, needed for a raw body
 */
export function readRequest(
  body: Uint8Array,
  headerLength: string | undefined,
  limits: Limits & { depth: number },
  only?: readonly TensorSpec[],
): InferRequest {
  if (headerLength === undefined) return validateRequest(parseJson(body, limits.depth), limits)
  if (!/^\d{1,10}$/.test(headerLength)) bad('Inference-Header-Content-Length must be a count of bytes.')
  const jsonBytes = Number(headerLength)
  if (jsonBytes > body.byteLength) bad(`Inference-Header-Content-Length is ${jsonBytes}, the body has ${body.byteLength} bytes.`)
  if (jsonBytes === 0) return rawRequest(body, limits, only ?? [])
  let at = jsonBytes
  const take: TakeBinary = (size, name) => {
    if (at + size > body.byteLength) bad(`Input ${name} takes ${size} bytes beyond the end of the body.`)
    at += size
    return body.subarray(at - size, at)
  }
  const request = validateRequest(parseJson(body.subarray(0, jsonBytes), limits.depth), limits, take)
  if (at !== body.byteLength) bad(`${body.byteLength - at} bytes of the body belong to no input.`)
  return request
}

function rawRequest(body: Uint8Array, limits: Limits, inputs: readonly TensorSpec[]): InferRequest {
  const [input] = inputs
  if (!input || inputs.length !== 1) return bad('A raw body needs a model with exactly one input.')
  const { bytes } = kinds[input.datatype]
  if (bytes === 0) return bad('A raw body of BYTES is not supported: send its JSON header.')
  const fixed = input.shape.filter((length) => length >= 0).reduce((product, length) => product * length, 1)
  const free = input.shape.filter((length) => length < 0).length
  const batch = body.byteLength / bytes / fixed
  if (free > 1 || !Number.isSafeInteger(batch) || (free === 0 && batch !== 1))
    bad(`A raw body of ${body.byteLength} bytes does not fill ${input.datatype} [${input.shape.join(', ')}].`)
  if (batch * fixed > limits.elements) bad(`More than ${limits.elements} elements.`)
  const shape = input.shape.map((length) => (length < 0 ? batch : length))
  const tensor = fromBinary(input.name, input.datatype, shape, body)
  return { id: undefined, parameters: {}, inputs: [tensor], outputs: undefined, binaryOutput: true }
}
