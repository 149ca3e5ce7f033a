import { expect, it } from 'vitest'
import { type Chunk, rowBuffer } from './buffer.ts'

const chunk = (partition: number, from: number, to: number, { bytes = 100 * (to - from) } = {}): Chunk => ({
  topic: 't',
  partition,
  epoch: 0,
  from,
  to,
  bytes,
  rows: Array.from({ length: to - from }, (_, i) => ({
    topic: 't',
    partition,
    epoch: 0,
    offset: from + i,
    timestamp: 0,
    key: null,
    value: null,
    headers: {},
  })),
})

it('takes what is there, and says which offsets it covers, partition by partition', () => {
  const buffer = rowBuffer({ maxRows: 100, maxBytes: 1e6 })
  buffer.push(chunk(0, 5, 8))
  buffer.push(chunk(1, 0, 2))
  buffer.push(chunk(0, 8, 9))
  const { rows, ranges } = buffer.take()
  expect(rows.map(({ partition, offset }) => `${partition}/${offset}`)).toEqual(['0/5', '0/6', '0/7', '1/0', '1/1', '0/8'])
  expect(ranges).toMatchObject([
    { partition: 0, from: 5, to: 9 },
    { partition: 1, from: 0, to: 2 },
  ])
  expect(buffer.empty).toBe(true)
})

it('cuts a chunk that is too large, at an offset, and keeps the rest', () => {
  const buffer = rowBuffer({ maxRows: 4, maxBytes: 1e6 })
  buffer.push(chunk(0, 0, 10))
  const taken = [buffer.take(), buffer.take(), buffer.take()]
  expect(taken.map(({ ranges }) => [ranges[0]!.from, ranges[0]!.to])).toEqual([
    [0, 4],
    [4, 8],
    [8, 10],
  ])
  expect(taken.flatMap(({ rows }) => rows.map(({ offset }) => offset))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it('covers offsets behind the last row: control records and compacted ones', () => {
  const buffer = rowBuffer({ maxRows: 10, maxBytes: 1e6 })
  buffer.push({ ...chunk(0, 0, 3), to: 7 })
  expect(buffer.take().ranges).toMatchObject([{ from: 0, to: 7 }])
})

it('is full at its bytes, and has room again once they are taken or forgotten', () => {
  const buffer = rowBuffer({ maxRows: 10, maxBytes: 1_000 })
  buffer.push(chunk(0, 0, 1, { bytes: 600 }))
  buffer.push(chunk(1, 0, 1, { bytes: 600 }))
  expect(buffer.full).toBe(true)
  buffer.forget('t', 0)
  expect(buffer.full).toBe(false)
  expect(buffer.take().rows.map(({ partition }) => partition)).toEqual([1])
})
