import { type CompareRequest, type CompareResult } from '../gates/measurement.ts'
import { readModel } from '../gates/measure-gate.ts'
import { openModel } from '../gates/score.ts'
import { readFrame } from '../frames/read-frame.ts'

/** How far the answers of two models lie apart, row by row, on rows that neither was first fitted on. */
export async function measureSame({ data, recorded, again }: CompareRequest): Promise<CompareResult> {
  const frame = await readFrame(data.holdout, data.columns)
  const [before, after] = [await readModel(recorded), await readModel(again)]
  const given = await (await openModel(before.path, before.signature)).score(frame)
  const now = await (await openModel(after.path, after.signature)).score(frame)
  if (given.length !== now.length) return { rows: frame.rows, worst: Number.MAX_VALUE, mean: Number.MAX_VALUE }
  let [worst, sum] = [0, 0]
  for (let at = 0; at < given.length; at += 1) {
    const distance = Math.abs((given[at] as number) - (now[at] as number)) / Math.max(1, Math.abs(given[at] as number))
    worst = Math.max(worst, Number.isNaN(distance) ? Number.MAX_VALUE : distance)
    sum += Number.isNaN(distance) ? 0 : distance
  }
  return { rows: frame.rows, worst, mean: given.length === 0 ? 0 : sum / given.length }
}
