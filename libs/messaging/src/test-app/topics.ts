import type { Kafka } from 'kafkajs'
import { eventually } from '@cascata/testing'
import { withAdmin } from '../kafka.ts'
import type { TopicSpec } from '../topics.ts'

/** Deletes a topic and creates it again: the same name, another topic. `between` may keep it away for longer. */
export const recreate = (kafka: Kafka, { topic, partitions }: TopicSpec, between?: () => Promise<unknown>) =>
  withAdmin(kafka, async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    await between?.()
    const topics = [{ topic, numPartitions: partitions, replicationFactor: 1 }]
    await eventually(() => admin.createTopics({ topics, waitForLeaders: false }))
  })

/** What retention does: everything before the offset is gone. -1 is the end. */
export const deleteRecords = (kafka: Kafka, topic: string, partitions: { partition: number; offset: string }[]) =>
  withAdmin(kafka, async (admin) => {
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions })
  })
