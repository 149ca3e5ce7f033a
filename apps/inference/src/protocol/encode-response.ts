import { type RequestedOutput } from './validate-request.ts'
import { type Tensor } from './tensors.ts'

/** What an inference answers with. */
export interface InferResponse {
  model: string
  version: string
  id: string | undefined
  outputs: readonly Tensor[]
}

export interface Encoded {
  body: string | Buffer
  /** Bytes of the JSON part when tensors follow it. */
  headerLength?: number
}

/** The response in the protocol's JSON, with the tensors that were asked for in binary after it. Non-finite numbers are null in JSON. */
export function encodeResponse(
  response: InferResponse,
  requested: readonly RequestedOutput[] | undefined,
  binaryOutput: boolean,
): Encoded {
  const binaries: Buffer[] = []
  const outputs = select(response.outputs, requested).map((tensor, at) => {
    const binary = requested?.[at]?.binary ?? binaryOutput
    if (!binary) return encodeTensor(tensor, `"data":${encodeElements(tensor)}`)
    const bytes = toBinary(tensor)
    binaries.push(bytes)
    return encodeTensor(tensor, `"parameters":{"binary_data_size":${bytes.length}}`)
  })
  const id = response.id === undefined ? '' : `,"id":${JSON.stringify(response.id)}`
  const json = `{"model_name":"${response.model}","model_version":"${response.version}"${id},"outputs":[${outputs.join(',')}]}`
  if (binaries.length === 0) return { body: json }
  const head = Buffer.from(json)
  return { body: Buffer.concat([head, ...binaries]), headerLength: head.length }
}

const select = (outputs: readonly Tensor[], requested: readonly RequestedOutput[] | undefined) =>
  requested && requested.length > 0 ? requested.map(({ name }) => outputs.find((output) => output.name === name)!) : outputs

const encodeTensor = (tensor: Tensor, data: string) =>
  `{"name":${JSON.stringify(tensor.name)},"shape":[${tensor.shape.join(',')}],"datatype":"${tensor.datatype}",${data}}`

function encodeElements({ datatype, data }: Tensor): string {
  if (datatype === 'BYTES') return JSON.stringify(data)
  if (datatype === 'BOOL') return `[${Array.from(data as Uint8Array, (element) => element === 1).join(',')}]`
  if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Float16Array) return encodeFloats(data)
  return `[${data.join(',')}]`
}

function encodeFloats(data: Float16Array | Float32Array | Float64Array): string {
  let text = '['
  for (let at = 0; at < data.length; at++) {
    const element = data[at]!
    text += (at === 0 ? '' : ',') + (Number.isFinite(element) ? element : 'null')
  }
  return `${text}]`
}

function toBinary({ datatype, data }: Tensor): Buffer {
  if (datatype !== 'BYTES') {
    const view = data as Exclude<Tensor['data'], string[]>
    return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  }
  return Buffer.concat(
    (data as string[]).flatMap((text) => {
      const bytes = Buffer.from(text)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    }),
  )
}
