import { z } from 'zod'
import { invalidParameterValue } from '../errors.ts'

/** The largest double below 2^63: what an int64 can hold however it came. */
const largestInt64 = 9_223_372_036_854_774_784

/** int64 of protobuf's JSON: a number, or its digits as text. */
export const int64 = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^-?\d{1,19}$/, 'a whole number')
      .transform(Number),
  ])
  .refine((value) => Number.isInteger(value) && Math.abs(value) <= largestInt64, 'a whole number of 64 bits')

/** double of protobuf's JSON: a number, its text, or one of the three names. */
export const double = z.union([
  z.number(),
  z
    .string()
    .regex(/^(NaN|-?Infinity|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/, 'a number')
    .transform(Number),
])

/** Text without NUL, which PostgreSQL can't hold. */
export const text = z.string().refine((value) => !value.includes('\0'), 'NUL is not allowed')

/** Ids of runs and models, chosen by the server. */
export const opaqueId = text.min(1).max(200)

/** A parameter that may be repeated in a query: one is a list of one. */
export const repeated = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]), z.array(item))

export const keyValue = z.object({ key: text, value: text.default('') })
export type KeyValue = z.infer<typeof keyValue>

/** A run by its id; old clients say `run_uuid`. */
export const runRef = { run_id: opaqueId.optional(), run_uuid: opaqueId.optional() }

export const apiDocs = 'See the API docs for more information about request parameters.'

export const missingValue = (name: string): never => {
  throw invalidParameterValue({ message: `Missing value for required parameter '${name}'. ${apiDocs}` })
}

export const refuse = (message: string): never => {
  throw invalidParameterValue({ message })
}

/** The run that a request names. */
export const runOf = ({ run_id, run_uuid }: { run_id?: string | undefined; run_uuid?: string | undefined }): string =>
  run_id || run_uuid || missingValue('run_id')

const shown = (value: unknown): string => {
  const json = JSON.stringify(value) ?? 'undefined'
  return json.length > 200 ? `${json.slice(0, 200)}…` : json
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[step] : undefined),
    value,
  )

const named = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : name === '' ? String(step) : `${name}.${String(step)}`),
    '',
  )

const pythonType = (value: unknown): string => {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return { string: 'str', boolean: 'bool' }[typeof value as string] ?? 'dict'
}

/** The request as its shape says; throws MLflow's `INVALID_PARAMETER_VALUE` in its wording. Fields that nobody knows are ignored. */
export const parsed = <Shape extends z.ZodType>(shape: Shape, request: unknown): z.infer<Shape> => {
  const result = shape.safeParse(request ?? {})
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const found = at(request, path)
  if (found === undefined || found === null) return missingValue(named(path))
  const why = path.length === 0 ? message : `Hint: Value was of type '${pythonType(found)}'.`
  return refuse(`Invalid value ${shown(found)} for parameter '${named(path)}' supplied:  ${why} ${apiDocs}`)
}

const largest = 1.7976931348623157e308

/** A metric's value as it is kept: NaN as 0 with a mark, the infinities at the ends of the scale. */
export const stored = (value: number): { value: number; is_nan: boolean } =>
  Number.isNaN(value) ? { value: 0, is_nan: true } : { value: Math.max(-largest, Math.min(largest, value)), is_nan: false }

/** A metric's value as JSON says it. */
export const said = ({ value, is_nan }: { value: number; is_nan: boolean }): number | 'NaN' => (is_nan ? 'NaN' : value)

/** An answer that is JSON text already: it goes out as it is. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The place where a page ended, opaque to clients. */
export const pageToken = (offset: number): string => Buffer.from(JSON.stringify({ offset })).toString('base64url')

/** The offset that a token stands for; throws for one that was not ours. */
export const offsetOf = (token: string | undefined): number => {
  if (token === undefined || token === '') return 0
  try {
    const { offset } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { offset: unknown }
    if (Number.isSafeInteger(offset) && (offset as number) >= 0) return offset as number
  } catch {
    // Falls through to the refusal below.
  }
  return refuse('Invalid page token, could not base64-decode')
}
