import { apiDocs, type KeyValue, refuse } from './wire.ts'

export interface MetricPoint {
  readonly key: string
  readonly value: number
  readonly timestamp: number
  readonly step: number
  readonly model_id?: string | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

export interface Batch {
  readonly metrics: readonly MetricPoint[]
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
}

const most = { metrics: 1_000, params: 100, tags: 100, all: 1_000 } as const
const longest = { key: 250, param: 6_000, tag: 8_000 } as const

const legalName = /^[/\w.\- :]*$/u

/** A path as it reads without `.`, `..` and doubled slashes. */
const normalPath = (path: string): string => {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}` || '.'
}

/** A name as MLflow takes it: it may become a file somewhere. Throws `INVALID_PARAMETER_VALUE` in its wording. */
export const checkName = (name: string, path: string): void => {
  const invalid = (why: string): never => refuse(`Invalid value "${name}" for parameter '${path}' supplied: ${why}`)
  if (name === '') refuse(`Missing value for required parameter '${path}'. ${apiDocs}`)
  if (!legalName.test(name)) {
    invalid(
      'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
    )
  }
  const resolved = normalPath(name)
  if (resolved !== name || resolved === '.' || resolved.startsWith('..') || resolved.startsWith('/')) {
    invalid(
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${resolved}'`,
    )
  }
}

const checkKey = (key: string, path: string, named: string): void => {
  checkName(key, path)
  if (key.length > longest.key) refuse(`'${named}' exceeds the maximum length of ${longest.key} characters`)
}

const limit = (what: string, length: number, atMost: number): void => {
  if (length > atMost) {
    refuse(
      `A batch logging request can contain at most ${atMost} ${what}. Got ${length} ${what}. Please split up ${what} across multiple requests and try again.`,
    )
  }
}

/** Where a value of a batch stands, for messages: `metrics[3].name`; of a request about one thing, just `name`. */
export type Placed = (list: 'metrics' | 'params' | 'tags', index: number, field: string) => string

export const inBatch: Placed = (list, index, field) => `${list}[${index}].${field}`
export const alone: Placed = (_list, _index, field) => field

const checkMetrics = (metrics: readonly MetricPoint[], placed: Placed): void =>
  metrics.forEach(({ key, timestamp }, index) => {
    checkKey(key, placed('metrics', index, 'name'), 'Metric name')
    if (timestamp < 0) {
      refuse(
        `Invalid value ${timestamp} for parameter '${placed('metrics', index, 'timestamp')}' supplied: Timestamp must be a nonnegative long (64-bit integer) `,
      )
    }
  })

/** Tags of a run; long values are cut, as MLflow does. */
export const checkedTags = (tags: readonly KeyValue[], placed: Placed = inBatch): KeyValue[] =>
  tags.map(({ key, value }, index) => {
    checkKey(key, placed('tags', index, 'key'), placed('tags', index, 'key'))
    return { key, value: value.slice(0, longest.tag) }
  })

const checkedParams = (params: readonly KeyValue[], placed: Placed): KeyValue[] => {
  params.forEach(({ key }, index) => checkKey(key, placed('params', index, 'key'), 'Param key'))
  const seen = new Set<string>()
  const twice = new Set(params.map(({ key }) => key).filter((key) => seen.has(key) || !seen.add(key)))
  if (twice.size > 0) {
    refuse(
      `Duplicate parameter keys have been submitted: [${[...twice].map((key) => `'${key}'`).join(', ')}]. Please ensure the request contains only one param value per param key.`,
    )
  }
  return params.map(({ key, value }) => ({ key, value: value.slice(0, longest.param) }))
}

/** A batch within MLflow's limits; long values are cut, as MLflow does. Throws `INVALID_PARAMETER_VALUE` in its wording. */
export const checkBatch = ({ metrics, params, tags }: Batch, placed: Placed = inBatch): Batch => {
  limit('metrics', metrics.length, most.metrics)
  limit('params', params.length, most.params)
  limit('tags', tags.length, most.tags)
  limit('metrics, params, and tags', metrics.length + params.length + tags.length, most.all)
  checkMetrics(metrics, placed)
  return { metrics, params: checkedParams(params, placed), tags: checkedTags(tags, placed) }
}
