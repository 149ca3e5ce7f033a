import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRequest } from './binary.ts'
import { encodeResponse } from './encode-response.ts'
import { InvalidRequest } from './invalid-request.ts'
import { type Datatype, type Elements, type Tensor } from './tensors.ts'
import { validateInputs, validateOutputs } from './validate-inputs.ts'

const limits = { elements: 1_000_000, inputs: 100, dimensions: 8, depth: 32 }
const read = (body: unknown, header?: string) =>
  readRequest(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), header, limits)
const input = (datatype: string, shape: unknown, data: unknown, more: object = {}) => ({
  inputs: [{ name: 'x', datatype, shape, data, ...more }],
})
const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof InvalidRequest) return error.code
    throw error
  }
  return 'accepted'
}

describe('a request', () => {
  it('takes data flat or nested, row by row', () => {
    const flat = read(input('FP32', [2, 3], [1, 2, 3, 4, 5, 6]))
    const nested = read(
      input(
        'FP32',
        [2, 3],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ),
    )
    expect(flat.inputs).toEqual(nested.inputs)
    expect(flat.inputs[0]!.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6))
  })

  it('knows every datatype', () => {
    const cases: [Datatype, unknown[], unknown[]][] = [
      ['BOOL', [true, false], [1, 0]],
      ['UINT8', [0, 255], [0, 255]],
      ['UINT16', [65_535], [65_535]],
      ['UINT32', [4_294_967_295], [4_294_967_295]],
      ['INT8', [-128, 127], [-128, 127]],
      ['INT16', [-32_768], [-32_768]],
      ['INT32', [-2_147_483_648], [-2_147_483_648]],
      ['INT64', [-5, 7], [-5n, 7n]],
      ['UINT64', [7], [7n]],
      ['FP16', [1.5, -65_504], [1.5, -65_504]],
      ['FP32', [0.5, 3.4028234663852886e38], [0.5, 3.4028234663852886e38]],
      ['FP64', [1e308], [1e308]],
      ['BYTES', ['', 'ä', '😀'], ['', 'ä', '😀']],
    ]
    for (const [datatype, data, expected] of cases)
      expect([...read(input(datatype, [data.length], data)).inputs[0]!.data], datatype).toEqual(expected)
  })

  it('reads 64-bit integers from their digits', () => {
    const data = (datatype: string, digits: string) =>
      read(`{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1],"data":[${digits}]}]}`).inputs[0]!.data[0]
    expect(data('INT64', '9223372036854775807')).toBe(9_223_372_036_854_775_807n)
    expect(data('INT64', '-9223372036854775808')).toBe(-9_223_372_036_854_775_808n)
    expect(data('UINT64', '18446744073709551615')).toBe(18_446_744_073_709_551_615n)
    expect(codeOf(() => data('INT64', '9223372036854775808'))).toBe('INF_INVALID_TENSOR')
    expect(codeOf(() => data('UINT64', '-1'))).toBe('INF_INVALID_TENSOR')
  })

  it('keeps id and parameters; a null id is legal', () => {
    expect(
      read({ ...input('FP32', [1], [1]), id: 'a', parameters: { unit: 'u', n: 1, binary_data_output: true } }),
    ).toMatchObject({ id: 'a', binaryOutput: true })
    expect(read({ ...input('FP32', [1], [1]), id: null }).id).toBeUndefined()
  })

  it('takes empty and scalar tensors', () => {
    expect(read(input('FP32', [0, 4], [])).inputs[0]!.data).toHaveLength(0)
    expect(read(input('FP32', [], [1])).inputs[0]!.data).toHaveLength(1)
  })

  it.each<[string, unknown, string]>([
    ['text that is not JSON', 'hello', 'INF_NOT_JSON'],
    ['nothing', '', 'INF_NOT_JSON'],
    ['a literal NaN', '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[NaN]}]}', 'INF_NOT_JSON'],
    ['a list', [], 'INF_INVALID_REQUEST'],
    ['null', null, 'INF_INVALID_REQUEST'],
    ['no inputs', {}, 'INF_INVALID_REQUEST'],
    ['empty inputs', { inputs: [] }, 'INF_INVALID_REQUEST'],
    ['inputs that are no objects', { inputs: [1] }, 'INF_INVALID_REQUEST'],
    ['an input without name', { inputs: [{ datatype: 'FP32', shape: [1], data: [1] }] }, 'INF_INVALID_REQUEST'],
    [
      'inputs of one name',
      { inputs: [input('FP32', [1], [1]).inputs[0], input('FP32', [1], [1]).inputs[0]] },
      'INF_INVALID_REQUEST',
    ],
    ['outputs of one name', { ...input('FP32', [1], [1]), outputs: [{ name: 'y' }, { name: 'y' }] }, 'INF_INVALID_REQUEST'],
    ['a number as id', { ...input('FP32', [1], [1]), id: 7 }, 'INF_INVALID_REQUEST'],
    ['a deep parameter', { ...input('FP32', [1], [1]), parameters: { a: {} } }, 'INF_INVALID_REQUEST'],
    ['a datatype nobody knows', input('FP8', [1], [1]), 'INF_INVALID_TENSOR'],
    ['a datatype of the prototype', input('toString', [1], [1]), 'INF_INVALID_TENSOR'],
    ['no datatype', input(undefined as never, [1], [1]), 'INF_INVALID_TENSOR'],
    ['no shape', input('FP32', undefined, [1]), 'INF_INVALID_TENSOR'],
    ['no data', input('FP32', [1], undefined), 'INF_INVALID_TENSOR'],
    ['data as an object', input('FP32', [1], { length: 1, 0: 1 }), 'INF_INVALID_TENSOR'],
    ['a negative dimension', input('FP32', [-1], [1]), 'INF_INVALID_TENSOR'],
    ['two negative dimensions', input('FP32', [-1, -1], [1]), 'INF_INVALID_TENSOR'],
    ['a broken dimension', input('FP32', [1.5], [1]), 'INF_INVALID_TENSOR'],
    ['a dimension as text', input('FP32', ['1'], [1]), 'INF_INVALID_TENSOR'],
    ['a shape whose product overflows', input('FP32', [4_294_967_296, 4_294_967_296], [1]), 'INF_INVALID_TENSOR'],
    ['a shape that wraps around to zero', input('FP32', [2 ** 53, 2 ** 11], []), 'INF_INVALID_TENSOR'],
    ['a large dimension beside an empty one', input('FP32', [2 ** 52, 0], []), 'INF_INVALID_TENSOR'],
    ['nine dimensions', input('FP32', Array(9).fill(1), [1]), 'INF_INVALID_TENSOR'],
    ['too few elements', input('FP32', [3], [1, 2]), 'INF_INVALID_TENSOR'],
    ['too many elements', input('FP32', [1], [1, 2]), 'INF_INVALID_TENSOR'],
    ['ragged data', input('FP32', [2, 2], [[1, 2], [3]]), 'INF_INVALID_TENSOR'],
    ['data nested deeper than its shape', input('FP32', [2, 1], [[[1]], [[2]]]), 'INF_INVALID_TENSOR'],
    ['a row among elements', input('FP32', [2, 2], [1, 2, 3, [4]]), 'INF_INVALID_TENSOR'],
    ['numbers as text', input('FP32', [1], ['1']), 'INF_INVALID_TENSOR'],
    ['true as a number', input('INT32', [1], [true]), 'INF_INVALID_TENSOR'],
    ['1 as a boolean', input('BOOL', [1], [1]), 'INF_INVALID_TENSOR'],
    ['a broken integer', input('INT32', [1], [1.5]), 'INF_INVALID_TENSOR'],
    ['256 as UINT8', input('UINT8', [1], [256]), 'INF_INVALID_TENSOR'],
    ['a null integer', input('INT64', [1], [null]), 'INF_INVALID_TENSOR'],
    ['a float that overflows', '{"inputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[1e400]}]}', 'INF_INVALID_TENSOR'],
    ['a float beyond FP32', input('FP32', [1], [1e39]), 'INF_INVALID_TENSOR'],
    ['a number among texts', input('BYTES', [1], [1]), 'INF_INVALID_TENSOR'],
    [
      'binary data without a header',
      input('FP32', [1], undefined, { parameters: { binary_data_size: 4 } }),
      'INF_INVALID_TENSOR',
    ],
  ])('refuses %s', (_name, body, code) => {
    expect(codeOf(() => read(body))).toBe(code)
  })

  it('refuses deep nesting before it builds anything', () => {
    const began = performance.now()
    expect(codeOf(() => read('['.repeat(5_000_000)))).toBe('INF_TOO_DEEP')
    expect(codeOf(() => read(`{"inputs":${'['.repeat(40)}${']'.repeat(40)}}`))).toBe('INF_TOO_DEEP')
    expect(codeOf(() => read({ ...input('BYTES', [1], ['[[['.repeat(100) + '\\"[']), id: '{{{{\\' }))).toBe('accepted')
    expect(performance.now() - began).toBeLessThan(500)
  })

  it('refuses what is not UTF-8', () => {
    expect(codeOf(() => readRequest(Buffer.from([0x22, 0xff, 0x22]), undefined, limits))).toBe('INF_NOT_JSON')
  })

  it('never throws anything but InvalidRequest', () => {
    const values = fc.anything({ withNullPrototype: false, maxDepth: 4 })
    const requests = fc.record(
      {
        inputs: fc.oneof(
          values,
          fc.array(
            fc.record(
              {
                name: values,
                shape: values,
                datatype: fc.oneof(values, fc.constantFrom('FP32', 'BYTES', 'INT64')),
                data: values,
              },
              { requiredKeys: [] },
            ),
          ),
        ),
        outputs: values,
        id: values,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(requests, (request) => void codeOf(() => read(JSON.stringify(request) ?? ''))),
      { numRuns: 300 },
    )
  })
})

describe('the binary extension', () => {
  const withTensors = (inputs: object[], tail: Buffer) => {
    const json = Buffer.from(JSON.stringify({ inputs }))
    return { body: Buffer.concat([json, tail]), header: String(json.length) }
  }
  const binary = (datatype: string, shape: number[], size: number, name = 'x') => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: size },
  })

  it('takes tensors after the JSON, in input order', () => {
    const tail = Buffer.concat([
      Buffer.from(Float32Array.of(1, NaN).buffer),
      Buffer.from([3, 0, 0, 0]),
      Buffer.from('abc'),
      Buffer.from([0, 0, 0, 0]),
    ])
    const { body, header } = withTensors([binary('FP32', [2], 8), { ...binary('BYTES', [2], 11), name: 't' }], tail)
    const request = readRequest(body, header, limits)
    expect([...request.inputs[0]!.data]).toEqual([1, NaN])
    expect(request.inputs[0]!.missing).toBe(true)
    expect(request.inputs[1]!.data).toEqual(['abc', ''])
  })

  it('takes a raw body as the only input', () => {
    const specs = [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 2] }]
    const request = readRequest(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer), '0', limits, specs)
    expect(request.inputs[0]).toMatchObject({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) })
    expect(codeOf(() => readRequest(Buffer.alloc(12), '0', limits, specs))).toBe('INF_INVALID_BINARY')
    expect(codeOf(() => readRequest(Buffer.alloc(8), '0', limits, [...specs, ...specs]))).toBe('INF_INVALID_BINARY')
  })

  it.each<[string, object[], Buffer, string]>([
    ['a size that the shape does not have', [binary('FP32', [2], 4)], Buffer.alloc(4), 'INF_INVALID_TENSOR'],
    ['a size beyond the body', [binary('FP32', [2], 8)], Buffer.alloc(4), 'INF_INVALID_BINARY'],
    ['bytes of no input', [binary('FP32', [1], 4)], Buffer.alloc(8), 'INF_INVALID_BINARY'],
    ['a BOOL of 2', [binary('BOOL', [1], 1)], Buffer.from([2]), 'INF_INVALID_TENSOR'],
    ['a BYTES length beyond the tensor', [binary('BYTES', [1], 4)], Buffer.from([255, 255, 255, 255]), 'INF_INVALID_TENSOR'],
    ['too few BYTES', [binary('BYTES', [2], 5)], Buffer.from([1, 0, 0, 0, 65]), 'INF_INVALID_TENSOR'],
    ['BYTES that are not UTF-8', [binary('BYTES', [1], 5)], Buffer.from([1, 0, 0, 0, 255]), 'INF_INVALID_TENSOR'],
    ['both kinds of data', [{ ...binary('FP32', [1], 4), data: [1] }], Buffer.alloc(4), 'INF_INVALID_TENSOR'],
    ['a negative size', [binary('FP32', [1], -4)], Buffer.alloc(4), 'INF_INVALID_TENSOR'],
  ])('refuses %s', (_name, inputs, tail, code) => {
    const { body, header } = withTensors(inputs, tail)
    expect(codeOf(() => readRequest(body, header, limits))).toBe(code)
  })

  it.each(['-1', 'x', '1e3', '99999999999', '1000'])('refuses the header %s', (header) => {
    expect(codeOf(() => readRequest(Buffer.from('{}'), header, limits))).toBe('INF_INVALID_BINARY')
  })
})

describe('a response', () => {
  const response = (datatype: Datatype, shape: number[], data: Elements) => ({
    model: 'm',
    version: '3',
    id: 'a"b',
    outputs: [{ name: 'y', datatype, shape, data, missing: false }],
  })
  const json = (datatype: Datatype, shape: number[], data: Elements) =>
    JSON.parse(encodeResponse(response(datatype, shape, data), undefined, false).body as string)

  it('is the protocol’s JSON', () => {
    expect(json('FP32', [1, 2], Float32Array.of(0.5, Infinity))).toEqual({
      model_name: 'm',
      model_version: '3',
      id: 'a"b',
      outputs: [{ name: 'y', shape: [1, 2], datatype: 'FP32', data: [0.5, null] }],
    })
    expect(json('BOOL', [2], Uint8Array.of(1, 0)).outputs[0].data).toEqual([true, false])
    expect(json('BYTES', [1], ['a"']).outputs[0].data).toEqual(['a"'])
    expect(encodeResponse(response('INT64', [1], BigInt64Array.of(2n ** 62n + 1n)), undefined, false).body).toContain(
      '"data":[4611686018427387905]',
    )
  })

  it('carries what was asked for in binary after it', () => {
    const { body, headerLength } = encodeResponse(
      response('FP32', [1], Float32Array.of(0.5)),
      [{ name: 'y', binary: true }],
      false,
    )
    expect(JSON.parse((body as Buffer).subarray(0, headerLength).toString()).outputs[0].parameters).toEqual({
      binary_data_size: 4,
    })
    expect((body as Buffer).subarray(headerLength).readFloatLE()).toBe(0.5)
    const texts = encodeResponse(response('BYTES', [1], ['ä']), undefined, true)
    expect([...(texts.body as Buffer).subarray(texts.headerLength)]).toEqual([2, 0, 0, 0, 0xc3, 0xa4])
  })
})

describe('what a model takes', () => {
  const tensor = (name: string, shape: number[], more: Partial<Tensor> = {}): Tensor => ({
    name,
    datatype: 'FP32',
    shape,
    data: new Float32Array(),
    missing: false,
    ...more,
  })
  const specs = [
    { name: 'a', datatype: 'FP32' as const, shape: [-1, 2] },
    { name: 'b', datatype: 'FP32' as const, shape: [-1, 1], nullable: true },
  ]
  const check = (...tensors: Tensor[]) => codeOf(() => validateInputs(tensors, specs))

  it('is every input once, of its type and shape', () => {
    expect(check(tensor('b', [1, 1], { missing: true }), tensor('a', [1, 2]))).toBe('accepted')
    expect(check(tensor('a', [1, 2]))).toBe('INF_INPUTS_MISMATCH')
    expect(check(tensor('a', [1, 2]), tensor('b', [1, 1]), tensor('c', [1, 1]))).toBe('INF_INPUTS_MISMATCH')
    expect(check(tensor('a', [1, 3]), tensor('b', [1, 1]))).toBe('INF_INPUTS_MISMATCH')
    expect(check(tensor('a', [2]), tensor('b', [1, 1]))).toBe('INF_INPUTS_MISMATCH')
    expect(check(tensor('a', [1, 2], { datatype: 'FP64' }), tensor('b', [1, 1]))).toBe('INF_INPUTS_MISMATCH')
    expect(check(tensor('a', [1, 2], { missing: true }), tensor('b', [1, 1]))).toBe('INF_MISSING_VALUE')
    expect(codeOf(() => validateOutputs([{ name: 'z', binary: undefined }], specs))).toBe('INF_UNKNOWN_OUTPUT')
  })
})
