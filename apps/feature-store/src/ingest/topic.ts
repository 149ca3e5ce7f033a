import { type Messaging } from '@cascata/messaging'
import { type Logger } from '@cascata/service'
import { type View } from '../feature-views/view.ts'

/**
 * How the topic of a view has to be. Kafka deletes, and rolls segments, by record timestamps, and those lie in the past when history
 * is published: so nothing is deleted by time, segments are rolled late, and the producer's timestamps stay. The limit of a message
 * is above that of a row, so that a publisher meets ours, which has a reason.
 */
export const topicConfig = {
  'retention.ms': '-1',
  'segment.ms': '31536000000',
  'message.timestamp.type': 'CreateTime',
  'max.message.bytes': '2097152',
} as const

/** Creates the topic of a view, or says what an existing one would do to its rows. */
export async function ensureTopic(topics: Messaging['topics'], view: View, log: Logger): Promise<void> {
  const { topic, partitions } = view.spec.source
  const created = await topics.ensure([{ topic, partitions, config: topicConfig }])
  if (created.length > 0) return
  const differs = differences(await topics.config(topic, Object.keys(topicConfig)))
  if (differs.length > 0) log.warn({ view: view.name, topic, differs }, 'the topic exists and is not as a view needs it')
}

/** What is dangerous about a topic's settings, in words. */
export const differences = (found: Readonly<Record<string, string>>): string[] => {
  const tooShort = (name: 'segment.ms' | 'max.message.bytes') => Number(found[name]) < Number(topicConfig[name])
  return [
    ...(found['retention.ms'] !== '-1'
      ? [`retention.ms=${found['retention.ms']}: Kafka deletes history that is published with its own timestamps`]
      : []),
    ...(tooShort('segment.ms') ? [`segment.ms=${found['segment.ms']}: history makes one segment per that span`] : []),
    ...(found['message.timestamp.type'] !== 'CreateTime'
      ? ['message.timestamp.type is not CreateTime: when a row was known is lost']
      : []),
    ...(tooShort('max.message.bytes')
      ? [`max.message.bytes=${found['max.message.bytes']}: large rows are refused without our reason`]
      : []),
  ]
}
