import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attribute, elementType, encodeModel, node, valueInfo } from '@cascata/onnx'
import { eventually } from '@cascata/testing'
import { type Tensor } from '../protocol/tensors.ts'
import { startEngine, type Engine } from './engine.ts'
import { allocatingModel, doublingModel, fileOf, identityModel, logisticModel, modelOf } from './test-models.ts'

const floats = (name: string, rows: number[][]): Tensor => ({
  name,
  datatype: 'FP32',
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flat()),
  missing: false,
})

describe('the engine', () => {
  let engine: Engine
  const exits: string[] = []
  beforeAll(() => {
    engine = startEngine({
      placement: { loadMs: 500, runMs: 20 },
      hostMemoryMiB: 1024,
      trialTimeoutMs: 20_000,
      runTimeoutMs: 5_000,
      goldenTolerance: 1e-4,
      onHostExit: (host, why) => exits.push(`${host} ${why}`),
    })
  })
  afterAll(() => engine.stop())

  it('answers as the graph says, inline and in the other process alike', async () => {
    const model = await engine.load('m/1', await fileOf(doublingModel(2)), undefined)
    expect(model.placement).toBe('inline')
    const few = await model.run([floats('x', [[1, 2]])], 1)
    expect(few).toEqual([{ name: 'y', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(2, 4), missing: false }])
    const many = Array.from({ length: 50_000 }, (_, at) => [at, -at])
    const [answer] = await model.run([floats('x', many)], 1_000_000)
    expect(answer!.shape).toEqual([50_000, 2])
    expect(answer!.data[99_999]).toBe(-99_998)
    await model.close()
  })

  it('refuses what is not the registered file', async () => {
    const file = await fileOf(doublingModel(2))
    await expect(engine.load('m/2', { ...file, sha256: '0'.repeat(64) }, undefined)).rejects.toMatchObject({
      code: 'INF_MODEL_CORRUPT',
    })
  })

  it.each([
    ['no model', Buffer.from('not a model'), 'INF_MODEL_UNSAFE'],
    ['an empty file', Buffer.alloc(0), 'INF_MODEL_UNSAFE'],
    ['a pickle', Buffer.from('80049525000000000000008c08', 'hex'), 'INF_MODEL_UNSAFE'],
    [
      'an operator of a foreign domain',
      modelOf({
        nodes: [node('Exec', ['x'], ['y'], [], 'evil')],
        inputs: [valueInfo('x', 1, [null])],
        outputs: [valueInfo('y', 1, [null])],
      }),
      'INF_MODEL_UNSAFE',
    ],
    [
      'external data',
      encodeModel({
        irVersion: 8,
        opsetImport: [{ domain: '', version: 17 }],
        graph: {
          name: 'g',
          node: [node('Add', ['x', 'w'], ['y'])],
          input: [valueInfo('x', 1, [null])],
          output: [valueInfo('y', 1, [null])],
          initializer: [
            { name: 'w', dims: [1], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: '/etc/passwd' }] },
          ],
        },
      }),
      'INF_MODEL_UNSAFE',
    ],
    [
      'an operator that does not exist',
      modelOf({
        nodes: [node('NoSuchThing', ['x'], ['y'])],
        inputs: [valueInfo('x', 1, [null])],
        outputs: [valueInfo('y', 1, [null])],
      }),
      'INF_MODEL_LOAD_FAILED',
    ],
    [
      'a graph that allocates without bound when it is loaded',
      modelOf({
        nodes: [node('RandomNormal', [], ['y'], [attribute.ints('shape', [300_000, 300_000])])],
        inputs: [valueInfo('x', 1, [null])],
        outputs: [valueInfo('y', 1, [null, null])],
      }),
      'INF_MODEL_UNSAFE',
    ],
  ])('refuses %s', async (_name, bytes, code) => {
    await expect(engine.load('bad', await fileOf(bytes), undefined)).rejects.toMatchObject({ code })
  })

  it('keeps a graph whose memory a request decides out of this process, and bounds it there', async () => {
    const model = await engine.load('big', await fileOf(allocatingModel()), undefined)
    expect(model.placement).toBe('host')
    const ask = (n: bigint) =>
      model.run([{ name: 'n', datatype: 'INT64', shape: [1], data: BigInt64Array.of(n), missing: false }], 1)
    await expect(ask(1000n)).resolves.toMatchObject([{ data: Float32Array.of(0) }])
    await expect(ask(100_000_000_000n)).rejects.toThrow(/alloc/)
    await expect(ask(1000n)).resolves.toMatchObject([{ data: Float32Array.of(0) }])
    await model.close()
  })

  it('replays golden rows before anything else', async () => {
    const file = await fileOf(logisticModel({ a: 1, b: -1 }))
    const inputs = { a: [1, 0], b: [0, null] }
    const right = {
      label: [1, 0],
      probabilities: [
        [0.26894, 0.73106],
        [0.5, 0.5],
      ],
    }
    await expect(engine.load('g/1', file, { inputs, outputs: { probabilities: right.probabilities } })).resolves.toMatchObject({
      report: { goldenRows: 2 },
    })
    const wrong = {
      probabilities: [
        [0.3, 0.7],
        [0.5, 0.5],
      ],
    }
    await expect(engine.load('g/2', file, { inputs, outputs: wrong })).rejects.toMatchObject({
      code: 'INF_GOLDEN_MISMATCH',
      details: { row: 0, output: 'probabilities' },
    })
    await expect(engine.load('g/3', file, { inputs: { a: [1] }, outputs: {} })).rejects.toMatchObject({
      code: 'INF_GOLDEN_MISMATCH',
    })
  })

  it('passes every datatype through', async () => {
    const cases: [number, Tensor][] = [
      [elementType.string, { name: 'x', datatype: 'BYTES', shape: [2], data: ['ä', ''], missing: false }],
      [elementType.int64, { name: 'x', datatype: 'INT64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)), missing: false }],
      [9, { name: 'x', datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0), missing: false }],
      [10, { name: 'x', datatype: 'FP16', shape: [1], data: Float16Array.of(1.5), missing: false }],
      [11, { name: 'x', datatype: 'FP64', shape: [1], data: Float64Array.of(1e300), missing: false }],
      [13, { name: 'x', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n), missing: false }],
    ]
    for (const [type, tensor] of cases) {
      const model = await engine.load(`id/${type}`, await fileOf(identityModel(type)), undefined)
      const [answer] = await model.run([tensor], 1)
      expect([...answer!.data]).toEqual([...tensor.data])
      const [far] = await model.run([tensor], 1_000_000)
      expect([...far!.data]).toEqual([...tensor.data])
      await model.close()
    }
  })

  it('starts the process again when it dies, and tries once more', async () => {
    const model = await engine.load('m/9', await fileOf(doublingModel(1)), undefined)
    await model.run([floats('x', [[1]])], 1_000_000)
    process.kill(engine.host.pid()!, 'SIGSTOP')
    const answers = [1, 2, 3].map((value) => model.run([floats('x', [[value]])], 1_000_000))
    process.kill(engine.host.pid()!, 'SIGKILL')
    expect((await Promise.all(answers)).map(([answer]) => answer!.data[0])).toEqual([2, 4, 6])
    await eventually(() => expect(exits).toContain('batch SIGKILL'))
    await model.close()
  })

  it('keeps memory flat over 100 swaps', async () => {
    const file = await fileOf(logisticModel(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`c${at}`, at / 100]))))
    const row = Array.from({ length: 200 }, (_, at) => floats(`c${at}`, [[at]]))
    const swap = async (at: number) => {
      const model = await engine.load(`swap/${at}`, file, undefined)
      await model.run(row, 1)
      await model.close()
    }
    for (let at = 0; at < 20; at++) await swap(at)
    const before = process.memoryUsage.rss()
    for (let at = 0; at < 100; at++) await swap(at)
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(30)
  })
})
