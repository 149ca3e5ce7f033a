import ort from 'onnxruntime-node'
import { type Datatype, type Elements, type Tensor, type TensorSpec } from '../protocol/tensors.ts'

type OrtType = ort.Tensor.Type

const ortTypes: Record<Datatype, OrtType> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
}
const datatypes = new Map(Object.entries(ortTypes).map(([datatype, type]) => [type, datatype as Datatype]))

const datatypeOf = (type: string): Datatype => {
  const datatype = datatypes.get(type as OrtType)
  if (!datatype) throw new Error(`tensors of ${type} are not supported`)
  return datatype
}

/** What a session declares; a converter may declare an output `[1]` and return `[n]`, so outputs are only a hint. */
export const specsOf = (declared: readonly ort.InferenceSession.ValueMetadata[]): TensorSpec[] =>
  declared.map((value) => {
    if (!value.isTensor) throw new Error(`${value.name} is not a tensor`)
    return {
      name: value.name,
      datatype: datatypeOf(value.type),
      shape: value.shape.map((length) => (typeof length === 'number' && length > 0 ? length : -1)),
    }
  })

/** The binding of ONNX Runtime 1.30 does not know Float16Array, and its Tensor turns everything else into one: so its fields, without its class. */
const halfTensor = (data: Float16Array, dims: readonly number[]) =>
  ({
    type: 'float16',
    data: new Uint16Array(data.buffer, data.byteOffset, data.length),
    dims,
    location: 'cpu',
  }) as unknown as ort.Tensor

/** One run of a session. Outputs keep the session's order and the shapes that the run gave. */
export async function runSession(session: ort.InferenceSession, tensors: readonly Tensor[]): Promise<Tensor[]> {
  const feeds: Record<string, ort.Tensor> = {}
  for (const { name, datatype, data, shape } of tensors)
    feeds[name] =
      data instanceof Float16Array ? halfTensor(data, shape) : new ort.Tensor(ortTypes[datatype], data as never, shape)
  const results = await session.run(feeds)
  return session.outputNames.map((name) => {
    const { type, dims, data } = results[name]!
    return { name, datatype: datatypeOf(type), shape: dims as number[], data: data as Elements, missing: false }
  })
}

/** One thread a run: rows are small, and the cores belong to requests. */
export const sessionOptions: ort.InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4,
  enableCpuMemArena: false,
}

export const createSession = (model: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model, sessionOptions)
