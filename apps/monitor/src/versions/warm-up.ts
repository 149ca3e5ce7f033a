import { type Database } from '@cascata/messaging'
import { type Cell, profileColumn } from '@cascata/statistics'
import { firstOfVersion, type KeptPrediction } from '../predictions/predictions.store.ts'
import { type Reference, type Task } from '../windows/window.ts'
import { findVersion, keepReference } from './versions.store.ts'

const scoreOf = ({ output, probability }: KeptPrediction): Cell =>
  typeof probability === 'number' ? probability : ((Array.isArray(output) ? output[0] : output) as Cell)

/** A reference made of the first rows that a version answered. Binary scores keep their fixed bins. */
export const referenceOf = (rows: readonly KeptPrediction[], task: Task): Reference => {
  const names = [...new Set(rows.flatMap(({ features }) => Object.keys(features)))]
  return {
    columns: Object.fromEntries(names.map((name) => [name, profileColumn(rows.map(({ features }) => features[name] as Cell))])),
    importance: {},
    scores: task === 'binary' ? null : profileColumn(rows.map(scoreOf)).histogram,
  }
}

/**
 * Gives a version without a profile one: what it saw in its first `rows` answers. Answers whether it has one now; until then it is warming,
 * and its rows are in no window.
 */
export const warmUp = async (db: Database, model: string, version: string, task: Task, rows: number): Promise<boolean> => {
  const known = await findVersion(db, model, version)
  if (known?.state !== 'warming') return known?.state === 'profiled'
  const first = await firstOfVersion(db, model, version, rows)
  if (first.length < rows) return false
  await keepReference(db, model, version, referenceOf(first, task))
  return true
}
