import { elementType, UnsafeModel, type ModelFacts, type ModelSignature } from '@cascata/onnx'

/**
 * How rows become a model's tensors, as `inference` has it. `columns`: an input a column, [n, 1].
 * `matrix`: one float input of all columns, [n, k], in the order of the signature.
 */
export type Layout = { is: 'columns' } | { is: 'matrix'; input: string; type: 'float32' | 'float64' }

/** What a model file and its signature come to. */
export interface Matched {
  layout: Layout
  /** The output that is scored. */
  answer: string
}

/** Names that converters give to probabilities by class. */
const probabilityNames = new Set(['probabilities', 'output_probability', 'probability'])

const isText = (type: string): boolean => type === 'string'
const refuse = (message: string, details: Record<string, unknown> = {}): never => {
  throw new UnsafeModel('UNSUPPORTED_TYPE', message, details)
}

/** @throws UnsafeModel when the file is not the model that the signature describes */
export function matchSignature(facts: ModelFacts, signature: ModelSignature): Matched {
  const missing = signature.outputs.find(({ name }) => !facts.outputs.some((output) => output.name === name))
  if (missing) refuse(`The model has no output ${missing.name}.`)
  return { layout: layoutOf(facts, signature), answer: answerOf(facts, signature.classes !== undefined) }
}

/** The one float input of rank 2 that no column is named after. */
export function matrixInput({ inputs }: Pick<ModelFacts, 'inputs'>, columns: readonly { name: string }[]) {
  const [only] = inputs
  const isFloat = only?.elementType === elementType.float || only?.elementType === elementType.double
  if (inputs.length !== 1 || !isFloat || only.shape.length !== 2) return undefined
  return columns.some(({ name }) => name === only.name) ? undefined : only
}

/** The output that a classifier's converter gives probabilities by class in. */
export const probabilitiesIn = ({ outputs }: Pick<ModelFacts, 'outputs'>) =>
  outputs.find(({ name }) => probabilityNames.has(name))

/** The output that is scored: probabilities by class, else `value` or the only one. */
function answerOf(facts: ModelFacts, ofClasses: boolean): string {
  const names = facts.outputs.map(({ name }) => name)
  const probabilities = probabilitiesIn(facts)?.name
  const value = names.includes('value') ? 'value' : names.length === 1 && !ofClasses ? names[0] : undefined
  const answer = ofClasses ? (probabilities ?? value) : (value ?? probabilities)
  return answer ?? refuse('The model has neither an output "probabilities" nor an output "value".')
}

function layoutOf(facts: ModelFacts, { inputs: columns }: ModelSignature): Layout {
  const matrix = matrixInput(facts, columns)
  if (matrix) {
    const [name, width] = [matrix.name, matrix.shape[1]!]
    const text = columns.find(({ type }) => isText(type))
    if (text) refuse(`Input ${name} is a matrix of numbers, and column ${text.name} is text.`, { input: name })
    if (width !== -1 && width !== columns.length)
      refuse(`Input ${name} is a matrix of ${width} columns, and there are ${columns.length}.`, { input: name })
    return { is: 'matrix', input: name, type: matrix.elementType === elementType.double ? 'float64' : 'float32' }
  }
  const declared = new Map(facts.inputs.map((input) => [input.name, input]))
  for (const { name, type } of columns) {
    const wanted = isText(type) ? elementType.string : elementType.float
    if (declared.get(name)?.elementType !== wanted)
      refuse(`Input ${name} is not a ${isText(type) ? 'text' : 'float'} tensor of the model.`, { input: name })
    declared.delete(name)
  }
  if (declared.size > 0) refuse(`The model wants ${[...declared.keys()].join(', ')}, which no column is.`)
  return { is: 'columns' }
}
