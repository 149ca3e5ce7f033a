import { type FeatureViewSpec, type Field } from '@cascata/resources'
import { viewOf, type View } from './view.ts'

type Fields = Record<string, Field['type'] | (Partial<Field> & Pick<Field, 'type'>)>

/** A view for a test: `aView({ fields: { flight: 'string', at: 'timestamp' }, entity: ['flight'], time: 'at' })`. */
export function aView({
  id = 1,
  name = 'flights',
  revision = 1,
  entity = ['flight'],
  time = 'publishedAt',
  format = 'iso8601',
  fields = { flight: 'string', publishedAt: 'timestamp', distanceKm: 'double' },
  ttl = 30 * 86_400_000,
  topic = name,
  source = 'json',
  partitions = 2,
  lag = 0,
  idleAfter = 60_000,
  freshness = null,
  aggregations = {},
}: {
  id?: number
  name?: string
  revision?: number
  entity?: string[]
  time?: string
  format?: FeatureViewSpec['eventTime']['format']
  fields?: Fields
  ttl?: number | null
  topic?: string
  source?: FeatureViewSpec['source']['format']
  partitions?: number
  lag?: number
  idleAfter?: number
  freshness?: number | null
  aggregations?: FeatureViewSpec['aggregations']
} = {}): View {
  const spec: FeatureViewSpec = {
    source: { topic, format: source, partitions, startFrom: 'earliest', lag, idleAfter },
    entity,
    eventTime: { field: time, format },
    ttl,
    freshness,
    fields: Object.fromEntries(
      Object.entries(fields).map(([field, type]) => [
        field,
        { nullable: false, ...(typeof type === 'string' ? { type } : type) },
      ]),
    ),
    aggregations,
  }
  return viewOf({ id, namespace: 'default', name, revision }, spec)
}
