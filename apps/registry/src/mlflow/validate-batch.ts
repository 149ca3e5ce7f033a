import { type KeyValue, refuse } from './wire.ts'

export interface MetricPoint {
  readonly key: string
  readonly value: number
  readonly timestamp: number
  readonly step: number
  readonly model_id?: string | undefined
}

export interface Batch {
  readonly metrics: readonly MetricPoint[]
  readonly params: readonly KeyValue[]
  readonly tags: readonly KeyValue[]
}

const most = { metrics: 1_000, params: 100, tags: 100, all: 1_000 } as const
const longest = { key: 250, param: 6_000, tag: 8_000 } as const

const legalName = /^[/\w.\- :]*$/u

const checkKey = (kind: 'metric' | 'parameter' | 'tag', key: string, path: string): void => {
  if (key === '') refuse(`Missing value for required parameter '${path}'.`)
  if (key.length > longest.key) refuse(`'${path}' exceeds the maximum length of ${longest.key} characters`)
  if (!legalName.test(key)) {
    refuse(
      `Invalid value "${key}" for parameter '${path}' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
    )
  }
  if (key.startsWith('/') || key.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    refuse(`Invalid value "${key}" for parameter '${path}' supplied: Invalid ${kind} name.`)
  }
}

const limit = (what: string, length: number, atMost: number): void => {
  if (length > atMost) {
    refuse(
      `A batch logging request can contain at most ${atMost} ${what}. Got ${length} ${what}. Please split up ${what} across multiple requests and try again.`,
    )
  }
}

export const checkMetrics = (metrics: readonly MetricPoint[]): void =>
  metrics.forEach(({ key, timestamp }, index) => {
    checkKey('metric', key, `metrics[${index}].name`)
    if (timestamp < 0) {
      refuse(
        `Invalid value ${timestamp} for parameter 'metrics[${index}].timestamp' supplied: Timestamp must be a nonnegative long (64-bit integer) `,
      )
    }
  })

/** Tags of a run. */
export const checkTags = (tags: readonly KeyValue[]): void =>
  tags.forEach(({ key, value }, index) => {
    checkKey('tag', key, `tags[${index}].key`)
    if (value.length > longest.tag) refuse(`'tags[${index}].value' exceeds the maximum length of ${longest.tag} characters`)
  })

const checkParams = (params: readonly KeyValue[]): void => {
  params.forEach(({ key }, index) => checkKey('parameter', key, `params[${index}].key`))
  const keys = params.map(({ key }) => key)
  const twice = [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))]
  if (twice.length === 0) return
  refuse(
    `Duplicate parameter keys have been submitted: [${twice.map((key) => `'${key}'`).join(', ')}]. Please ensure the request contains only one param value per param key.`,
  )
}

/** A batch within MLflow's limits; long param values are cut, as MLflow does. Throws `INVALID_PARAMETER_VALUE` in its wording. */
export const checkBatch = (batch: Batch): Batch => {
  limit('metrics', batch.metrics.length, most.metrics)
  limit('params', batch.params.length, most.params)
  limit('tags', batch.tags.length, most.tags)
  limit('metrics, params, and tags', batch.metrics.length + batch.params.length + batch.tags.length, most.all)
  checkMetrics(batch.metrics)
  checkParams(batch.params)
  checkTags(batch.tags)
  return { ...batch, params: batch.params.map(({ key, value }) => ({ key, value: value.slice(0, longest.param) })) }
}
