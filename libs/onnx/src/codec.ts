import protobuf from 'protobufjs/minimal.js'
import { UnsafeModel } from './errors.ts'
import { messages, type Field, type MessageName, type OnnxModel, type Scalar } from './messages.ts'

const { Reader, Writer } = protobuf
type Reader = InstanceType<typeof Reader>
type Writer = InstanceType<typeof Writer>
type Message = Record<string, unknown>

/** What a file may cost to decode: a file of a few megabytes can name millions of empty messages. */
export interface DecodeLimits {
  /** Nested messages, graphs in attributes included. */
  depth: number
  /** Messages, strings and byte fields together. */
  objects: number
  /** Numbers in lists. */
  numbers: number
}

export const decodeLimits: DecodeLimits = { depth: 40, objects: 500_000, numbers: 40_000_000 }

interface Budget {
  objects: number
  numbers: number
}

const varint = 0
const fixed64 = 1
const delimited = 2
const fixed32 = 5

/**
 * Decodes a model file. Unknown fields are skipped; byte fields are views of the given buffer, not copies.
 *
 * @throws UnsafeModel NOT_ONNX when the bytes are no protobuf of a model, TOO_COMPLEX beyond the limits.
 */
export function decodeModel(bytes: Uint8Array, limits: DecodeLimits = decodeLimits): OnnxModel {
  const reader = Reader.create(bytes)
  try {
    const model = readMessage(reader, bytes.length, 'Model', limits.depth, { objects: limits.objects, numbers: limits.numbers })
    return { irVersion: 0, opsetImport: [], ...model } as unknown as OnnxModel
  } catch (cause) {
    if (cause instanceof UnsafeModel) throw cause
    throw new UnsafeModel('NOT_ONNX', `The file is not an ONNX model: ${(cause as Error).message}.`)
  }
}

function readMessage(reader: Reader, end: number, name: MessageName, depth: number, budget: Budget): Message {
  if (depth < 0) throw new UnsafeModel('TOO_COMPLEX', 'The model nests its messages too deeply.')
  if (end > reader.len) throw new RangeError('a length points beyond the end of the file')
  spend(budget, 'objects', 1)
  const message: Message = {}
  const fields = messages[name]
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = fields[tag >>> 3]
    if (field) readField(reader, field, tag & 7, message, depth, budget)
    else reader.skipType(tag & 7)
  }
  if (reader.pos !== end) throw new RangeError('a field runs over the end of its message')
  return message
}

function readField(reader: Reader, [name, kind]: Field, wire: number, message: Message, depth: number, budget: Budget): void {
  const repeated = kind.endsWith('*')
  const type = (repeated ? kind.slice(0, -1) : kind) as Scalar | MessageName
  if (type in messages) {
    expectWire(wire, delimited)
    const length = reader.uint32()
    put(message, name, repeated, readMessage(reader, reader.pos + length, type as MessageName, depth - 1, budget))
  } else if (type === 'string' || type === 'bytes') {
    expectWire(wire, delimited)
    spend(budget, 'objects', 1)
    put(message, name, repeated, type === 'string' ? reader.string() : reader.bytes())
  } else {
    const list = repeated && wire === delimited ? readPacked(reader, type as Scalar, budget) : undefined
    if (list) message[name] = message[name] ? (message[name] as number[]).concat(list) : list
    else {
      spend(budget, 'numbers', 1)
      expectWire(wire, wireOf(type as Scalar))
      put(message, name, repeated, readNumber(reader, type as Scalar))
    }
  }
}

function readPacked(reader: Reader, type: Scalar, budget: Budget): number[] {
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new RangeError('a list runs over the end of the file')
  const list: number[] = []
  while (reader.pos < end) {
    if ((list.length & 1023) === 0) spend(budget, 'numbers', 1024)
    list.push(readNumber(reader, type))
  }
  return list
}

const wireOf = (type: Scalar): number => (type === 'float' ? fixed32 : type === 'double' ? fixed64 : varint)

const readNumber = (reader: Reader, type: Scalar): number =>
  type === 'float' ? reader.float() : type === 'double' ? reader.double() : Number(reader.int64())

function put(message: Message, name: string, repeated: boolean, value: unknown): void {
  if (!repeated) message[name] = value
  else if (message[name]) (message[name] as unknown[]).push(value)
  else message[name] = [value]
}

function spend(budget: Budget, what: keyof Budget, amount: number): void {
  budget[what] -= amount
  if (budget[what] < 0) throw new UnsafeModel('TOO_COMPLEX', `The model has more ${what} than a model file may have.`)
}

function expectWire(wire: number, expected: number): void {
  if (wire !== expected) throw new RangeError(`wire type ${wire} where ${expected} belongs`)
}

/** Encodes a model: fields in ascending number, lists of numbers packed; the same value gives the same bytes. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const writer = Writer.create()
  writeMessage(writer, model as unknown as Message, 'Model')
  return writer.finish()
}

function writeMessage(writer: Writer, message: Message, name: MessageName): void {
  for (const [number, [field, kind]] of Object.entries(messages[name])) {
    const value = message[field]
    if (value === undefined) continue
    if (!kind.endsWith('*')) writeField(writer, Number(number), kind as Scalar | MessageName, value)
    else writeList(writer, Number(number), kind.slice(0, -1) as Scalar | MessageName, value as unknown[])
  }
}

function writeList(writer: Writer, number: number, type: Scalar | MessageName, values: unknown[]): void {
  const packed = type === 'int' || type === 'float' || type === 'double'
  if (!packed) for (const value of values) writeField(writer, number, type, value)
  else if (values.length > 0) {
    writer.uint32((number << 3) | delimited).fork()
    for (const value of values) writeNumber(writer, type, value as number)
    writer.ldelim()
  }
}

function writeField(writer: Writer, number: number, type: Scalar | MessageName, value: unknown): void {
  if (type === 'int' || type === 'float' || type === 'double') {
    writer.uint32((number << 3) | wireOf(type))
    writeNumber(writer, type, value as number)
    return
  }
  writer.uint32((number << 3) | delimited)
  if (type === 'string') writer.string(value as string)
  else if (type === 'bytes') writer.bytes(value as Uint8Array)
  else {
    writer.fork()
    writeMessage(writer, value as Message, type as MessageName)
    writer.ldelim()
  }
}

function writeNumber(writer: Writer, type: 'int' | 'float' | 'double', value: number): void {
  if (type === 'float') writer.float(value)
  else if (type === 'double') writer.double(value)
  else writer.int64(value)
}
