import { z } from 'zod'
import { type TensorSpec } from '../protocol/tensors.ts'
import { ModelRefused } from './model-refused.ts'

const column = z.object({ name: z.string().min(1), type: z.string().min(1), nullable: z.boolean().optional() })

const signature = z.object({
  inputs: z.array(column).max(10_000),
  classes: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
})

/** A column that a version was trained on: `view__field`, or a request field by its name. */
export type Column = z.infer<typeof column>

/** What `signature.json` says of a version: its columns in the order of the training, and its classes in the order of `probabilities`. */
export type Signature = z.infer<typeof signature>

/** @throws ModelRefused INF_SIGNATURE_INVALID */
export function readSignature(value: unknown): Signature | undefined {
  if (value === undefined || value === null) return undefined
  const read = signature.safeParse(value)
  if (read.success) return read.data
  const { path, message } = read.error.issues[0]!
  throw new ModelRefused('INF_SIGNATURE_INVALID', `The version's signature is not legal: ${path.join('.')} ${message}.`)
}

const typeOf = ({ datatype }: TensorSpec): string =>
  datatype === 'BYTES' ? 'string' : datatype === 'BOOL' ? 'bool' : datatype.startsWith('FP') ? 'double' : 'int'

/** What a version of a client says without a signature: its inputs of one value a row are columns of their names. */
export function signatureOf(inputs: readonly TensorSpec[]): Signature | undefined {
  if (inputs.length === 0 || !inputs.every(({ shape }) => shape.length === 2 && shape[1] === 1)) return undefined
  return { inputs: inputs.map((input) => ({ name: input.name, type: typeOf(input) })) }
}

/**
 * How rows of columns become a model's tensors. `columns`: one input a column, [n, 1]. `matrix`: one float input of all columns in order, [n, k].
 * Nothing when the signature does not fit the graph: the version then takes tensors only.
 */
export type Layout = 'columns' | 'matrix'

export function layoutOf(signature: Signature | undefined, inputs: readonly TensorSpec[]): Layout | undefined {
  if (!signature || signature.inputs.length === 0) return undefined
  const names = new Set(signature.inputs.map(({ name }) => name))
  const flat = ({ shape }: TensorSpec) => shape.length <= 2 && (shape.length < 2 || Math.abs(shape[1]!) === 1)
  if (inputs.every((input) => names.has(input.name) && flat(input))) return 'columns'
  const [only] = inputs
  const width = signature.inputs.length
  const isMatrix = inputs.length === 1 && only!.shape.length === 2 && (only!.shape[1] === width || only!.shape[1] === -1)
  return isMatrix && /^FP(32|64)$/.test(only!.datatype) ? 'matrix' : undefined
}

/** Declared inputs with what the signature says of missing values; a matrix takes them when one of its columns does. */
export function withNullable(
  inputs: readonly TensorSpec[],
  signature: Signature | undefined,
  layout: Layout | undefined,
): TensorSpec[] {
  const nullable = new Map(signature?.inputs.map((each) => [each.name, each.nullable === true]))
  return inputs.map((input) => ({
    ...input,
    nullable: layout === 'matrix' ? [...nullable.values()].some(Boolean) : (nullable.get(input.name) ?? false),
  }))
}
