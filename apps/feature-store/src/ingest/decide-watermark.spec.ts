import { describe, expect, it } from 'vitest'
import { decideWatermark, type PartitionProgress } from './decide-watermark.ts'

const idleAfter = 60_000
const now = 10_000_000
const partition = (more: Partial<PartitionProgress>): PartitionProgress => ({
  high: 1000,
  caughtUp: true,
  lastRecordAt: now,
  ...more,
})
const quiet = { lastRecordAt: now - idleAfter }
const watermark = (before: number | null, ...partitions: PartitionProgress[]) =>
  decideWatermark(before, partitions, idleAfter, now)

describe('the watermark', () => {
  it('is the least of what the partitions have seen', () =>
    expect(watermark(null, partition({ high: 5 }), partition({ high: 3 }))).toBe(3))
  it('never goes back', () => expect(watermark(9, partition({ high: 5 }))).toBe(9))
  it('is not held back by a partition that was always empty', () =>
    expect(watermark(null, partition({ high: 5 }), partition({ high: null, lastRecordAt: null }))).toBe(5))
  it('is held back by a partition that is still to be read', () =>
    expect(watermark(1, partition({ high: 5 }), partition({ high: null, lastRecordAt: null, caughtUp: false }))).toBe(1))
  it('leaves a quiet partition behind while others go on', () =>
    expect(watermark(1, partition({ high: 5 }), partition({ high: 2, ...quiet }))).toBe(5))
  it('waits for a quiet partition that has a lag', () =>
    expect(watermark(1, partition({ high: 5 }), partition({ high: 2, ...quiet, caughtUp: false }))).toBe(2))
  it('holds when all are quiet', () =>
    expect(watermark(1, partition({ high: 5, ...quiet }), partition({ high: 2, ...quiet }))).toBe(1))
  it('is raised by an import when no partition holds it back, and never held back by one', () => {
    const empty = partition({ high: null, lastRecordAt: null })
    expect(decideWatermark(null, [empty], idleAfter, now, 7)).toBe(7)
    expect(decideWatermark(5, [partition({ high: 5, ...quiet })], idleAfter, now, 7)).toBe(7)
    expect(decideWatermark(9, [partition({ high: 9, ...quiet })], idleAfter, now, 7)).toBe(9)
    expect(decideWatermark(5, [partition({ high: 6 })], idleAfter, now, 7)).toBe(6)
    expect(decideWatermark(7, [partition({ high: 8 })], idleAfter, now, 7)).toBe(8)
  })
  it('is unknown before the first row', () => expect(watermark(null)).toBeNull())
})
