import { InvalidRequest } from './invalid-request.ts'
import { type RequestedOutput } from './validate-request.ts'
import { type Tensor, type TensorSpec } from './tensors.ts'

const mismatch = (message: string, details: Record<string, unknown> = {}): never => {
  throw new InvalidRequest('INF_INPUTS_MISMATCH', message, details)
}

/**
 * Whether a model takes these tensors: every input once, nothing else, its datatype, its rank, its fixed dimensions;
 * missing values only where the model's signature says nullable.
 */
export function validateInputs(tensors: readonly Tensor[], inputs: readonly TensorSpec[]): void {
  const first = tensors[0]
  const only = inputs[0]
  if (tensors.length === 1 && inputs.length === 1 && first!.name === only!.name) return validateTensor(first!, only!)
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  for (const spec of inputs) {
    const tensor = given.get(spec.name)
    if (!tensor) return mismatch(`Input ${spec.name} is absent.`, { input: spec.name })
    validateTensor(tensor, spec)
  }
  if (given.size === inputs.length) return
  const known = new Set(inputs.map(({ name }) => name))
  const unknown = tensors.find(({ name }) => !known.has(name))
  mismatch(`The model has no input ${unknown?.name}.`, { input: unknown?.name, inputs: [...known] })
}

function validateTensor(tensor: Tensor, spec: TensorSpec): void {
  const { name, datatype, shape } = tensor
  if (datatype !== spec.datatype) mismatch(`Input ${name} is ${datatype}, the model takes ${spec.datatype}.`, { input: name })
  const fits = shape.length === spec.shape.length && shape.every((length, at) => spec.shape[at]! < 0 || spec.shape[at] === length)
  if (!fits)
    mismatch(`Input ${name} has shape [${shape.join(', ')}], the model takes [${spec.shape.join(', ')}].`, { input: name })
  if (tensor.missing && !spec.nullable)
    throw new InvalidRequest(
      'INF_MISSING_VALUE',
      `Input ${name} has a missing value (null or NaN), which this model does not take.`,
      { input: name },
    )
}

/** Refuses outputs that the model does not have. */
export function validateOutputs(requested: readonly RequestedOutput[] | undefined, outputs: readonly TensorSpec[]): void {
  const unknown = requested?.find(({ name }) => !outputs.some((output) => output.name === name))
  if (unknown)
    throw new InvalidRequest('INF_UNKNOWN_OUTPUT', `The model has no output ${unknown.name}.`, {
      outputs: outputs.map(({ name }) => name),
    })
}
