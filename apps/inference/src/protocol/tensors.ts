/// <reference lib="esnext.float16" />

/** The datatypes of the Open Inference Protocol v2. */
export type Datatype =
  'BOOL' | 'UINT8' | 'UINT16' | 'UINT32' | 'UINT64' | 'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FP16' | 'FP32' | 'FP64' | 'BYTES'

export type NumericArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array

/** Elements in row-major order; BOOL is 0 or 1 in a Uint8Array, BYTES are strings. */
export type Elements = NumericArray | string[]

/** A named tensor. `missing` says that at least one element is NaN, or was null in JSON. */
export interface Tensor {
  name: string
  datatype: Datatype
  shape: number[]
  data: Elements
  missing: boolean
}

/** What a model declares of an input or output; −1 is a free dimension. `nullable`: missing values are allowed. */
export interface TensorSpec {
  name: string
  datatype: Datatype
  shape: number[]
  nullable?: boolean
}

interface Kind {
  /** Bytes of an element; 0 where they vary (BYTES). */
  bytes: number
  is: 'bool' | 'int' | 'bigint' | 'float' | 'text'
  min: number
  max: number
  create(length: number): Elements
  view(buffer: ArrayBuffer): Elements
}

const numeric = (
  is: Kind['is'],
  type: { new (length: number): NumericArray; new (buffer: ArrayBuffer): NumericArray; BYTES_PER_ELEMENT: number },
  min: number,
  max: number,
): Kind => ({
  bytes: type.BYTES_PER_ELEMENT,
  is,
  min,
  max,
  create: (length) => new type(length),
  view: (buffer) => new type(buffer),
})

const greatestFp16 = 65_504
const greatestFp32 = 3.4028234663852886e38

/** How elements of a datatype are kept, and which values they take. For floats, min and max are of finite values. */
export const kinds: Readonly<Record<Datatype, Kind>> = {
  BOOL: numeric('bool', Uint8Array, 0, 1),
  UINT8: numeric('int', Uint8Array, 0, 0xff),
  UINT16: numeric('int', Uint16Array, 0, 0xffff),
  UINT32: numeric('int', Uint32Array, 0, 0xffff_ffff),
  UINT64: numeric('bigint', BigUint64Array, 0, 2 ** 64),
  INT8: numeric('int', Int8Array, -0x80, 0x7f),
  INT16: numeric('int', Int16Array, -0x8000, 0x7fff),
  INT32: numeric('int', Int32Array, -0x8000_0000, 0x7fff_ffff),
  INT64: numeric('bigint', BigInt64Array, -(2 ** 63), 2 ** 63),
  FP16: numeric('float', Float16Array, -greatestFp16, greatestFp16),
  FP32: numeric('float', Float32Array, -greatestFp32, greatestFp32),
  FP64: numeric('float', Float64Array, -Number.MAX_VALUE, Number.MAX_VALUE),
  BYTES: {
    bytes: 0,
    is: 'text',
    min: 0,
    max: 0,
    create: (length) => new Array<string>(length),
    view: () => {
      throw new Error('BYTES elements have no fixed size')
    },
  },
}

export const isDatatype = (text: unknown): text is Datatype => typeof text === 'string' && Object.hasOwn(kinds, text)

/** Elements that a shape holds; 1 for a scalar's empty shape. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

/** Rows of a batch: the first dimension, 1 for a scalar. */
export const rowsOf = (tensors: readonly Tensor[]): number => tensors[0]?.shape[0] ?? 1
