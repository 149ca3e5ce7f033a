import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { type Database } from '@cascata/messaging'
import { type InputType } from '@cascata/resources'
import { answersOf, type KeptPrediction, type Span } from '../predictions/predictions.store.ts'
import { literal, quoted } from './duckdb.ts'
import { type JoinPlan } from './join-plan.ts'
import { binaryScores } from './scored.ts'

const PAGE = 5_000

const duckTypes: Readonly<Record<InputType, string>> = {
  string: 'VARCHAR',
  int: 'BIGINT',
  int32: 'INTEGER',
  float: 'FLOAT',
  double: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
}

/** A served value as it can be compared: texts as they are ("" is none), all else as a number. */
export const comparable = (value: unknown, type: InputType): string | number | null => {
  if (value === null || value === undefined || value === '') return null
  if (type === 'string') return String(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  const number = type === 'timestamp' && typeof value === 'string' ? Date.parse(value) : Number(value)
  return Number.isFinite(number) ? number : null
}

const lineOf = ({ entities, compared, groups }: JoinPlan, prediction: KeptPrediction): string => {
  const row: Record<string, unknown> = { k: prediction.seq, v: prediction.version, a: prediction.at.getTime() }
  entities.forEach(({ name }, i) => (row[`e${i}`] = prediction.entities[name]))
  compared.forEach(({ column, type }, i) => (row[`f${i}`] = comparable(prediction.features[column], type)))
  if (groups.length > 0) row['said'] = binaryScores([prediction])[0]! >= 0.5
  return `${JSON.stringify(row)}\n`
}

/** Writes the answers of a span as lines of JSON, page by page. Those that don't name every entity can't be joined; answers how many were written. */
export const writeServed = async (db: Database, span: Span, plan: JoinPlan, file: string): Promise<number> => {
  const out = createWriteStream(file)
  const failed = new Promise<never>((_, reject) => out.once('error', reject))
  failed.catch(() => undefined)
  let written = 0
  for (
    let page = await answersOf(db, span, -1, PAGE);
    page.length > 0;
    page = await answersOf(db, span, page.at(-1)!.seq, PAGE)
  ) {
    const whole = page.filter(({ entities }) =>
      plan.entities.every(({ name }) => entities[name] !== null && entities[name] !== undefined),
    )
    written += whole.length
    const text = whole.map((prediction) => lineOf(plan, prediction)).join('')
    if (!out.write(text)) await Promise.race([once(out, 'drain'), failed])
  }
  out.end()
  await Promise.race([once(out, 'close'), failed])
  return written
}

/** A `from` item over a file of served rows. */
export const readServed = ({ entities, compared, groups }: JoinPlan, file: string): string => {
  const columns = {
    k: 'BIGINT',
    v: 'VARCHAR',
    a: 'BIGINT',
    ...Object.fromEntries(entities.map(({ type }, i) => [`e${i}`, duckTypes[type]])),
    ...Object.fromEntries(compared.map(({ type }, i) => [`f${i}`, type === 'string' ? 'VARCHAR' : 'DOUBLE'])),
    ...(groups.length > 0 ? { said: 'BOOLEAN' } : {}),
  }
  const list = Object.entries(columns).map(([name, type]) => `${name}: ${literal(type)}`)
  return `read_json(${literal(file)}, format = 'newline_delimited', columns = {${list.join(', ')}})`
}

/** Writes the spine of served rows: each entity and time once, as Parquet. */
export const spineSql = (plan: JoinPlan, served: string, spine: string): string => {
  const entities = plan.entities.map(({ name }, i) => `e${i} as ${quoted(name)}`)
  return `copy (select distinct ${entities.join(', ')}, make_timestamp(a * 1000) as "at" from ${readServed(plan, served)})
    to ${literal(spine)} (format parquet, compression zstd)`
}
