import { type Segment } from '../offline/segments.store.ts'

/** From which offset on the partitions of a topic are read again. */
export interface Cut {
  readonly topic: string
  readonly offsets: ReadonlyMap<number, number>
}

type Ranged = Pick<Segment, 'ranges'>

const among = ({ topic, offsets }: Cut, range: Segment['ranges'][number]): number | undefined =>
  range.topic === topic ? offsets.get(range.partition) : undefined

/** Segments by what a cut does to them: those whose rows are all read again, and those that have rows on both sides of it. */
export function cutThrough<Each extends Ranged>(segments: readonly Each[], cut: Cut): { beyond: Each[]; through: Each[] } {
  const [beyond, through]: [Each[], Each[]] = [[], []]
  for (const segment of segments) {
    const isAfter = ({ ranges }: Ranged) => ranges.every((range) => range.from >= (among(cut, range) ?? Infinity))
    const isBefore = ({ ranges }: Ranged) => ranges.every((range) => range.to <= (among(cut, range) ?? Infinity))
    if (isBefore(segment)) continue
    if (isAfter(segment)) beyond.push(segment)
    else through.push(segment)
  }
  return { beyond, through }
}

/** What of the ranges of offsets is before a cut. */
export const rangesBefore = (ranges: Segment['ranges'], cut: Cut): Segment['ranges'] =>
  ranges.map((range) => ({ ...range, to: Math.min(range.to, among(cut, range) ?? Infinity) })).filter(({ from, to }) => from < to)

/** SQL that is true for rows before a cut. */
export const beforeSql = ({ offsets }: Cut): string =>
  ['true', ...[...offsets].map(([partition, offset]) => `not (__partition = ${partition} and __offset >= ${offset})`)].join(
    ' and ',
  )
