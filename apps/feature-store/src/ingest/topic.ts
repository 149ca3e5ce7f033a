import { type Messaging } from '@cascata/messaging'
import { topicDangers, topicSettings } from '@cascata/resources'
import { type Logger } from '@cascata/service'
import { type View } from '../feature-views/view.ts'

/** Where each partition of a topic ends now. */
export const endsOf = async (topics: Messaging['topics'], topic: string): Promise<Map<number, number>> =>
  new Map([...(await topics.bounds(topic))].map(([partition, { high }]) => [partition, high]))

/** Creates the topic of a view, or says what an existing one would do to its rows. */
export async function ensureTopic(topics: Messaging['topics'], view: View, log: Logger): Promise<void> {
  const { topic, partitions } = view.spec.source
  const created = await topics.ensure([{ topic, partitions, config: topicSettings }])
  if (created.length > 0) return
  const differs = topicDangers(await topics.config(topic, Object.keys(topicSettings)))
  if (differs.length > 0) log.warn({ view: view.name, topic, differs }, 'the topic exists and is not as a view needs it')
}
