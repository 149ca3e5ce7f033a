import { expect, it } from 'vitest'
import { beforeSql, cutThrough, rangesBefore } from './decide-cut.ts'

const cut = { topic: 'rows', offsets: new Map([[0, 100], [1, 50]]) } // prettier-ignore
const range = (partition: number, from: number, to: number, topic = 'rows') => ({ topic, partition, epoch: 0, from, to })
const segment = (...ranges: ReturnType<typeof range>[]) => ({ ranges })

it('parts segments by the side of the cut that their rows are on', () => {
  const before = segment(range(0, 0, 100), range(1, 0, 50), range(2, 0, 900))
  const beyond = segment(range(0, 100, 120), range(1, 50, 60))
  const through = segment(range(0, 90, 101))
  const both = segment(range(0, 0, 10), range(1, 50, 60))
  const otherPartition = segment(range(0, 100, 120), range(2, 0, 5))
  const imported = segment(range(0, 0, 1_000, 'import.x'))
  expect(cutThrough([before, beyond, through, both, otherPartition, imported], cut)).toEqual({
    beyond: [beyond],
    through: [through, both, otherPartition],
  })
})

it('keeps what of the ranges lies before', () => {
  expect(rangesBefore([range(0, 90, 120), range(1, 50, 60), range(2, 0, 5), range(0, 0, 9, 'import.x')], cut)).toEqual([
    range(0, 90, 100),
    range(2, 0, 5),
    range(0, 0, 9, 'import.x'),
  ])
  expect(beforeSql(cut)).toBe('true and not (__partition = 0 and __offset >= 100) and not (__partition = 1 and __offset >= 50)')
})
