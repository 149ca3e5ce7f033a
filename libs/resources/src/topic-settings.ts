/**
 * How the topic of a view has to be. Kafka deletes, and rolls segments, by record timestamps, and those lie in the past when history
 * is published: so nothing is deleted by time, segments are rolled late, and the producer's timestamps stay. The limit of a message
 * is above that of a row, so that a publisher meets ours, which has a reason.
 */
export const topicSettings = {
  'retention.ms': '-1',
  'segment.ms': '31536000000',
  'message.timestamp.type': 'CreateTime',
  'max.message.bytes': '2097152',
} as const

/** What an existing topic, by its settings, would do to the rows of a view; empty when all is well. */
export function topicDangers(found: Readonly<Record<string, string>>): string[] {
  const tooSmall = (name: 'segment.ms' | 'max.message.bytes') => Number(found[name]) < Number(topicSettings[name])
  const said: string[] = []
  if (found['retention.ms'] !== topicSettings['retention.ms']) {
    said.push(`retention.ms=${found['retention.ms']}: Kafka deletes history that is published with its own timestamps`)
  }
  if (tooSmall('segment.ms')) said.push(`segment.ms=${found['segment.ms']}: history makes one segment per that span`)
  if (found['message.timestamp.type'] !== topicSettings['message.timestamp.type']) {
    said.push(`message.timestamp.type=${found['message.timestamp.type']}: when a row was known is lost`)
  }
  if (tooSmall('max.message.bytes'))
    said.push(`max.message.bytes=${found['max.message.bytes']}: large rows are refused without our reason`)
  return said
}
