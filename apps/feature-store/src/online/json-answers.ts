import { type NamedField, type Value } from '../feature-views/view.ts'
import { JsonBytes } from './json-bytes.ts'
import { feastStyle, isoText, type JsonStyle, jsonWriter, ownStyle, protobufTime } from './json-values.ts'
import { type FeatureAnswer } from './look-up.ts'

/** Does something once for each list: features of one view share theirs. */
const once = <In extends object, Out>(make: (list: In) => Out): ((list: In) => Out) => {
  const known = new Map<In, Out>()
  return (list) => {
    let made = known.get(list)
    if (made === undefined) known.set(list, (made = make(list)))
    return made
  }
}

const quote = (text: string): string => JSON.stringify(text)

type ValueWriter = (json: JsonBytes, value: Value) => void

/** Writes values of a type; integers go straight to digits, as most features are. */
function valueWriter(type: NamedField['type'], style: JsonStyle): ValueWriter {
  const write = jsonWriter(type, style)
  return type === 'int' || type === 'int32'
    ? (json, value) => (value === null ? json.text('null') : json.int(value as number | bigint))
    : (json, value) => json.text(write(value))
}

/** Our own answer, row by row: `values[entity][feature]`. */
export function ownAnswer(features: readonly string[], answers: readonly FeatureAnswer[]): Buffer {
  const rows = answers[0]?.values.length ?? 0
  const json = new JsonBytes(1_024 + rows * answers.length * 56)
  json.text(`{"names":[${features.map(quote).join(',')}],"values":[`)
  const columns = answers.map(({ field, values }) => ({ write: valueWriter(field.type, ownStyle), values }))
  for (let row = 0; row < rows; row += 1) {
    json.text(row === 0 ? '[' : '],[')
    for (let column = 0; column < columns.length; column += 1) {
      const { write, values } = columns[column]!
      if (column > 0) json.comma()
      write(json, values[row]!)
    }
  }
  const runs = sharedRuns(answers)
  json.text(rows === 0 ? '],"statuses":[' : ']],"statuses":[')
  writeRuns(json, runs, rows, ({ statuses }, row) => `"${statuses[row]!}"`)
  json.text(rows === 0 ? '],"eventTimes":[' : ']],"eventTimes":[')
  writeRuns(json, runs, rows, ({ eventTimes }, row) => (eventTimes[row] === null ? 'null' : isoText(eventTimes[row]!)))
  json.text(rows === 0 ? ']}' : ']]}')
  return json.done()
}

interface Run {
  readonly answer: FeatureAnswer
  count: number
}

/** Neighbouring features that share statuses and times: one stands for all. */
function sharedRuns(answers: readonly FeatureAnswer[]): Run[] {
  const runs: Run[] = []
  for (const answer of answers) {
    const last = runs.at(-1)
    if (last?.answer.statuses === answer.statuses && last.answer.eventTimes === answer.eventTimes) last.count += 1
    else runs.push({ answer, count: 1 })
  }
  return runs
}

function writeRuns(json: JsonBytes, runs: readonly Run[], rows: number, write: (answer: FeatureAnswer, row: number) => string) {
  for (let row = 0; row < rows; row += 1) {
    json.text(row === 0 ? '[' : '],[')
    for (let index = 0; index < runs.length; index += 1) {
      const { answer, count } = runs[index]!
      if (index > 0) json.comma()
      json.text(repeated(write(answer, row), count))
    }
  }
}

const repeated = (text: string, count: number): string => (count === 1 ? text : `${text},`.repeat(count - 1) + text)

const epoch = '"1970-01-01T00:00:00Z"'

/** A value of an entity as it was sent. */
const keyText = (value: unknown): string => (typeof value === 'bigint' ? String(value) : JSON.stringify(value))

/** What a Feast client asked for besides features. */
export interface FeastOptions {
  /** `view__feature` instead of `feature`. */
  readonly fullNames: boolean
  /** Revisions of the views, for clients that ask for versions. */
  readonly versions: readonly { readonly name: string; readonly version: number }[] | null
}

/** The name of a feature in Feast's answer. */
export const feastName = ({ view, field }: Pick<FeatureAnswer, 'view' | 'field'>, fullNames: boolean): string =>
  fullNames ? `${view}__${field.name}` : field.name

/** Feast's answer, column by column: the join keys first, with the epoch as their time. */
export function feastAnswer(
  entities: Readonly<Record<string, readonly unknown[]>>,
  answers: readonly FeatureAnswer[],
  { fullNames, versions }: FeastOptions,
): Buffer {
  const rows = answers[0]?.values.length ?? 0
  const json = new JsonBytes(1_024 + rows * answers.length * 56)
  const names = [...Object.keys(entities), ...answers.map((answer) => feastName(answer, fullNames))].map(quote).join(',')
  json.text(`{"metadata":{"feature_names":[${names}]${versions ? `,"feature_view_metadata":${JSON.stringify(versions)}` : ''}}`)
  json.text(',"results":[')
  for (const [index, values] of Object.values(entities).entries()) {
    const present = values.map(() => '"PRESENT"').join(',')
    json.text(`${index > 0 ? ',' : ''}{"values":[${values.map(keyText).join(',')}],"statuses":[${present}]`)
    json.text(`,"event_timestamps":[${values.map(() => epoch).join(',')}]}`)
  }
  const statusesOf = once((statuses: readonly string[]) =>
    Buffer.from(`],"statuses":[${statuses.map((status) => `"${status}"`).join(',')}],"event_timestamps":[`),
  )
  const timesOf = once((times: readonly (number | null)[]) =>
    Buffer.from(`${times.map((ms) => (ms === null ? epoch : protobufTime(ms))).join(',')}]}`),
  )
  for (const { field, values, statuses, eventTimes } of answers) {
    json.text(',{"values":[')
    const write = valueWriter(field.type, feastStyle)
    for (let row = 0; row < values.length; row += 1) {
      if (row > 0) json.comma()
      write(json, values[row]!)
    }
    json.raw(statusesOf(statuses))
    json.raw(timesOf(eventTimes))
  }
  json.text(']}')
  return json.done()
}
