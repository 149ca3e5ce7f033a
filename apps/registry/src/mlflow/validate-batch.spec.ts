import { describe, expect, it } from 'vitest'
import { checkBatch } from './validate-batch.ts'

const points = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: `m${index}`, value: 1, timestamp: 1, step: 0 }))
const pairs = (count: number, value = 'v') => Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value }))
const empty = { metrics: [], params: [], tags: [] }

describe('a batch', () => {
  it('passes at its limits', () => {
    expect(checkBatch({ metrics: points(800), params: pairs(100), tags: pairs(100) }).metrics).toHaveLength(800)
  })

  it.each([
    ['metrics', { ...empty, metrics: points(1_001) }, 'at most 1000 metrics. Got 1001 metrics'],
    ['params', { ...empty, params: pairs(101) }, 'at most 100 params'],
    ['tags', { ...empty, tags: pairs(101) }, 'at most 100 tags'],
    ['everything', { metrics: points(900), params: pairs(100), tags: pairs(1) }, 'at most 1000 metrics, params, and tags'],
    ['long keys', { ...empty, tags: [{ key: 'k'.repeat(251), value: '' }] }, "'tags[0].key' exceeds the maximum length of 250"],
    [
      'the same param twice',
      { ...empty, params: [...pairs(1), ...pairs(1)] },
      "Duplicate parameter keys have been submitted: ['k0']",
    ],
    ['an empty name', { ...empty, params: [{ key: '', value: '' }] }, "Missing value for required parameter 'params[0].key'"],
    ['a path for a name', { ...empty, params: [{ key: '../a', value: '' }] }, "This name would resolve to '../a'"],
    ['odd letters in a name', { ...empty, params: [{ key: 'a<b>', value: '' }] }, 'Names may only contain'],
    ['a time before 1970', { ...empty, metrics: [{ key: 'm', value: 1, timestamp: -1, step: 0 }] }, 'nonnegative long'],
  ])('is refused with too many or illegal %s', (_, batch, message) => {
    expect(() => checkBatch(batch)).toThrow(message)
  })

  it('cuts long params and tags, as MLflow does', () => {
    expect(checkBatch({ ...empty, tags: pairs(1, 'v'.repeat(9_000)) }).tags[0]!.value).toHaveLength(8_000)
    expect(checkBatch({ ...empty, params: pairs(1, 'v'.repeat(7_000)) }).params[0]!.value).toHaveLength(6_000)
  })
})
