import { elementType, UnsafeModel, type ModelFacts, type ModelSignature } from '@cascata/onnx'
import { describe, expect, it } from 'vitest'
import { matchSignature } from './match-signature.ts'

const { float, double, int64, string } = elementType
const facts = (inputs: ModelFacts['inputs'], outputs = ['label', 'probabilities']): ModelFacts => ({
  inputs,
  outputs: outputs.map((name) => ({ name, elementType: float, shape: [-1, 2] })),
  opsets: {},
  nodes: 1,
  operators: [],
  producer: '',
})
const input = (name: string, type: number = float, width = 1) => ({ name, elementType: type, shape: [-1, width] })
const signature = (types: Record<string, string>, more: Partial<ModelSignature> = {}): ModelSignature => ({
  inputs: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })),
  outputs: [],
  classes: [0, 1],
  ...more,
})
const refused = (text: string) => expect.objectContaining({ code: 'UNSUPPORTED_TYPE', message: expect.stringContaining(text) })
const refusal = (of: ModelFacts, by: ModelSignature): unknown => {
  try {
    return matchSignature(of, by)
  } catch (error) {
    return error instanceof UnsafeModel ? error : undefined
  }
}

describe('a model with an input a column', () => {
  it('is matched by name and type', () => {
    expect(matchSignature(facts([input('v__x'), input('v__c', string)]), signature({ v__x: 'double', v__c: 'string' }))).toEqual({
      layout: { is: 'columns' },
      answer: 'probabilities',
    })
  })
  it.each([
    ['another type', [input('v__x', int64)], 'Input v__x is not a float tensor'],
    ['an input that no column is', [input('v__x'), input('v__y')], 'The model wants v__y'],
    ['a column that is no input', [], 'Input v__x is not'],
  ])('is refused for %s', (_, inputs, text) => {
    expect(refusal(facts(inputs), signature({ v__x: 'double' }))).toEqual(refused(text))
  })
  it('with one column is no matrix', () => {
    expect(matchSignature(facts([input('v__x')]), signature({ v__x: 'double' })).layout).toEqual({ is: 'columns' })
  })
})

describe('a model with one float matrix', () => {
  const columns = signature({ v__x: 'double', v__y: 'int' })
  it.each([
    [float, 2, 'float32'],
    [double, 2, 'float64'],
    [float, -1, 'float32'],
  ])('of element type %s and width %s takes all columns', (type, width, tensor) => {
    expect(matchSignature(facts([input('float_input', type, width)]), columns).layout).toEqual({
      is: 'matrix',
      input: 'float_input',
      type: tensor,
    })
  })
  it('of another width, or for a text, is refused', () => {
    expect(refusal(facts([input('float_input', float, 3)]), columns)).toEqual(refused('a matrix of 3 columns, and there are 2'))
    const text = signature({ v__x: 'double', v__c: 'string' })
    expect(refusal(facts([input('float_input', float, 2)]), text)).toEqual(refused('column v__c is text'))
  })
})

describe('what is scored', () => {
  const answer = (outputs: string[], more: Partial<ModelSignature>) =>
    matchSignature(facts([input('v__x')], outputs), signature({ v__x: 'double' }, more)).answer
  it('is the probabilities, by the names that converters give', () => {
    expect(answer(['output_label', 'output_probability'], {})).toBe('output_probability')
  })
  it('is the value, or the only output, of a regression', () => {
    expect(answer(['other', 'value'], { classes: undefined })).toBe('value')
    expect(answer(['variable'], { classes: undefined })).toBe('variable')
  })
  it('has to be there', () => {
    expect(refusal(facts([input('v__x')], ['label']), signature({ v__x: 'double' }))).toEqual(refused('neither'))
    const outputs: ModelSignature['outputs'] = [{ name: 'score', type: 'float', shape: [-1] }]
    expect(refusal(facts([input('v__x')]), signature({ v__x: 'double' }, { outputs }))).toEqual(refused('no output score'))
  })
})
