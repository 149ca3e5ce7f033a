import { type BuildRecord } from './build-record.ts'
import { type Difference, type Outcome } from './reproduction.ts'

/** Greatest difference of two answers that still count as the same: what the order of sums can do to 32-bit numbers. */
export const tolerance = 1e-5

export interface Made {
  modelSha256: string
  record: BuildRecord | null
  datasetHash: string | null
}

/** Every value by its path, so that two of them can be put side by side. */
const flat = (value: unknown, path: string): [string, unknown][] =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, each]) => flat(each, path === '' ? key : `${path}.${key}`))
    : [[path, value]]

/** What differs between two records, path by path. */
export const differencesOf = (recorded: Made, now: Made): Difference[] => {
  const plain = ({ record, datasetHash }: Made) => new Map(flat({ datasetHash, ...record }, ''))
  const [before, after] = [plain(recorded), plain(now)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((what) => JSON.stringify(before.get(what) ?? null) !== JSON.stringify(after.get(what) ?? null))
    .toSorted()
    .map((what) => ({ what, recorded: before.get(what) ?? null, now: after.get(what) ?? null }))
}

const named = (differences: readonly Difference[]): string =>
  differences
    .slice(0, 8)
    .map(({ what }) => what)
    .join(', ') + (differences.length > 8 ? ` and ${differences.length - 8} more` : '')

const because = (differences: readonly Difference[], record: BuildRecord | null): string => {
  if (record === null) return 'what it was made with is not on record'
  if (differences.length > 0) return `not as recorded: ${named(differences)}`
  return 'everything on record is the same, so the trainer itself does not repeat: threads, time or unseeded chance'
}

/** Whether a model came out the same, and why not. */
export const decideOutcome = (recorded: Made, now: Made, predictions: Outcome['predictions']): Outcome => {
  const differences = differencesOf(recorded, now)
  const modelSha256 = { recorded: recorded.modelSha256, now: now.modelSha256 }
  if (modelSha256.recorded === modelSha256.now) {
    return { same: 'bits', modelSha256, predictions: null, differences, why: 'the same file, bit for bit' }
  }
  const alike = predictions !== null && predictions.worst <= predictions.tolerance
  const reason = because(differences, recorded.record)
  return alike
    ? { same: 'predictions', modelSha256, predictions, differences, why: `another file with the same answers; ${reason}` }
    : { same: 'different', modelSha256, predictions, differences, why: reason }
}
