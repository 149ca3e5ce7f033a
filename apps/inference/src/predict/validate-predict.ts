import { InvalidRequest } from '../protocol/invalid-request.ts'
import { type Scalar } from './columns.ts'

/** A prediction by entity: one row for each element of the lists. */
export interface PredictRequest {
  rows: number
  entities: Readonly<Record<string, readonly Scalar[]>>
  request: Readonly<Record<string, readonly unknown[]>>
  ids: readonly string[] | undefined
}

const entityError = (message: string): never => {
  throw new InvalidRequest('INF_INVALID_ENTITIES', message)
}
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])

/** @throws InvalidRequest unless all lists are of one length, from 1 to `most`, and keys are not null */
export function validatePredict(body: unknown, most: number): PredictRequest {
  if (!isObject(body)) return entityError('The body must be an object with `entities`.')
  const entities = lists(body.entities ?? {}, 'entities')
  const request = lists(body.request ?? {}, 'request')
  const all = [...Object.entries(entities), ...Object.entries(request)]
  const rows = all[0]?.[1].length ?? 0
  if (rows === 0) entityError('`entities` must have at least one list with at least one element.')
  if (rows > most) entityError(`More than ${most} rows; the limit is INFERENCE_ROWS.`)
  const uneven = all.find(([, list]) => list.length !== rows)
  if (uneven) entityError(`\`${uneven[0]}\` has ${uneven[1].length} elements, \`${all[0]![0]}\` has ${rows}.`)
  for (const [name, list] of Object.entries(entities)) for (const key of list) validateKey(name, key)
  return { rows, entities: entities as Record<string, Scalar[]>, request, ids: validateIds(body.ids, rows) }
}

function lists(value: unknown, where: string): Record<string, unknown[]> {
  if (!isObject(value)) return entityError(`\`${where}\` must be an object of lists.`)
  for (const [name, list] of Object.entries(value)) {
    if (forbidden.has(name) || name.length > 200) entityError(`\`${where}\` has an illegal name.`)
    if (!Array.isArray(list)) entityError(`\`${where}.${name}\` must be a list.`)
  }
  return value as Record<string, unknown[]>
}

function validateKey(name: string, key: unknown): void {
  const legal = typeof key === 'string' || typeof key === 'boolean' || (typeof key === 'number' && Number.isFinite(key))
  if (!legal) entityError(`\`entities.${name}\` has an element that is not text, number or boolean.`)
  if (typeof key === 'string' && key.length > 1_024) entityError(`\`entities.${name}\` has an element longer than 1 KiB.`)
}

function validateIds(value: unknown, rows: number): string[] | undefined {
  if (value === undefined || value === null) return undefined
  const legal =
    Array.isArray(value) &&
    value.length === rows &&
    value.every((id) => typeof id === 'string' && id.length > 0 && id.length <= 200)
  return legal ? (value as string[]) : entityError('`ids` must be one text of 1 to 200 characters for each row.')
}

const isoWithZone = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i

/** A request value as its type says; null where it was left out. @throws InvalidRequest INF_REQUEST_VALUE_INVALID */
export function requestValue(name: string, type: string, value: unknown): Scalar {
  if (value === undefined || value === null) return null
  const wrong = (): never => {
    throw new InvalidRequest(
      'INF_REQUEST_VALUE_INVALID',
      `\`request.${name}\` has ${JSON.stringify(value).slice(0, 40)}, not ${type}.`,
      { name, type },
    )
  }
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : wrong()
    case 'bool':
      return typeof value === 'boolean' ? value : wrong()
    case 'int':
      return Number.isSafeInteger(value) ? (value as number) : wrong()
    case 'int32':
      return Number.isInteger(value) && Math.abs(value as number) <= 2_147_483_648 ? (value as number) : wrong()
    case 'timestamp':
      return typeof value === 'string' && isoWithZone.test(value) && !Number.isNaN(Date.parse(value)) ? value : wrong()
    default:
      return typeof value === 'number' && Number.isFinite(value) ? value : wrong()
  }
}

/**
 * The event time of a prediction: what the caller says, where the Model lets the caller say it, else the clock.
 *
 * @throws InvalidRequest INF_CLOCK_IS_WALL, INF_CLOCK_INVALID
 */
export function predictionTime(header: string | undefined, clock: 'wall' | 'caller', now: number): number {
  if (header === undefined) return now
  if (clock === 'wall') throw new InvalidRequest('INF_CLOCK_IS_WALL', 'The Model goes by the wall clock and takes no Cascata-At.')
  const at = isoWithZone.test(header) ? Date.parse(header) : NaN
  if (Number.isNaN(at))
    throw new InvalidRequest(
      'INF_CLOCK_INVALID',
      `Cascata-At is ${JSON.stringify(header.slice(0, 40))}, not ISO 8601 with a zone.`,
    )
  if (at > now + 300_000) throw new InvalidRequest('INF_CLOCK_INVALID', 'Cascata-At is more than 5 minutes ahead of the clock.')
  return at
}
