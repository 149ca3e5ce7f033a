import { type NamedField, type Value } from '../feature-views/view.ts'
import { isoText, jsonWriter, protobufTime, unixSeconds } from './json-values.ts'
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

const plainNumbers = new Set<NamedField['type']>(['int', 'int32'])

const quote = (text: string): string => JSON.stringify(text)

function listText(values: readonly Value[], type: NamedField['type'], time: (ms: number) => string): string {
  if (plainNumbers.has(type) && !values.includes(null)) return values.join(',')
  return values.map(jsonWriter(type, time)).join(',')
}

const statusList = (statuses: readonly string[]): string => (statuses.length === 0 ? '' : `"${statuses.join('","')}"`)

/** Our own answer, row by row: `values[entity][feature]`. */
export function ownAnswer(features: readonly string[], answers: readonly FeatureAnswer[]): string {
  const rows = answers[0]?.values.length ?? 0
  const columns = answers.map(({ field, values }) => ({ write: jsonWriter(field.type, isoText), values }))
  const lists = sharedRuns(answers)
  let values = ''
  let statuses = ''
  let times = ''
  for (let row = 0; row < rows; row += 1) {
    const between = row === 0 ? '[' : ',['
    values += between
    for (let column = 0; column < columns.length; column += 1) {
      const { write, values: list } = columns[column]!
      values += column === 0 ? write(list[row]!) : `,${write(list[row]!)}`
    }
    values += ']'
    statuses += between
    times += between
    for (let index = 0; index < lists.length; index += 1) {
      const { answer, count } = lists[index]!
      const time = answer.eventTimes[row]!
      const comma = index === 0 ? '' : ','
      statuses += comma + repeated(`"${answer.statuses[row]!}"`, count)
      times += comma + repeated(time === null ? 'null' : isoText(time), count)
    }
    statuses += ']'
    times += ']'
  }
  return `{"names":[${features.map(quote).join(',')}],"values":[${values}],"statuses":[${statuses}],"eventTimes":[${times}]}`
}

const repeated = (text: string, count: number): string => (count === 1 ? text : `${text},`.repeat(count - 1) + text)

/** Neighbouring features that share statuses and times: one stands for all. */
function sharedRuns(answers: readonly FeatureAnswer[]): { answer: FeatureAnswer; count: number }[] {
  const runs: { answer: FeatureAnswer; count: number }[] = []
  for (const answer of answers) {
    const last = runs.at(-1)
    if (last?.answer.statuses === answer.statuses && last.answer.eventTimes === answer.eventTimes) last.count += 1
    else runs.push({ answer, count: 1 })
  }
  return runs
}

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
): string {
  const column = (values: string, statuses: string, times: string) =>
    `{"values":[${values}],"statuses":[${statuses}],"event_timestamps":[${times}]}`
  const statusesOf = once(statusList)
  const timesOf = once((times: readonly (number | null)[]) =>
    times.map((ms) => (ms === null ? epoch : protobufTime(ms))).join(','),
  )
  const columns = Object.values(entities).map((values) =>
    column(
      values.map(keyText).join(','),
      statusList(values.map(() => 'PRESENT')),
      values.length === 0 ? '' : repeated(epoch, values.length),
    ),
  )
  for (const { field, values, statuses, eventTimes } of answers)
    columns.push(column(listText(values, field.type, unixSeconds), statusesOf(statuses), timesOf(eventTimes)))
  const names = [...Object.keys(entities), ...answers.map((answer) => feastName(answer, fullNames))].map(quote).join(',')
  const metadata = `{"feature_names":[${names}]${versions ? `,"feature_view_metadata":${JSON.stringify(versions)}` : ''}}`
  return `{"metadata":${metadata},"results":[${columns.join(',')}]}`
}
