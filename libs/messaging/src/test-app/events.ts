import { z } from 'zod'
import { defineEvent, type Topic } from '@cascata/events'

/** The test app's own topic and events, so that tests don't meet each other. */
export function eventsOf(name: string) {
  const topic: Topic = { name, partitions: 1, compacted: false, key: 'key', config: { 'retention.ms': '-1' } }
  const shared = { topic, producer: 'dispatcher', consumers: ['dispatcher'], version: 1, key: (data: Step) => data.key } as const
  const data = z.object({ namespace: z.string(), key: z.string(), n: z.number() })
  const examples: [Step] = [{ namespace: 'default', key: 'a', n: 1 }]
  return {
    topic,
    /** What a test publishes. */
    counted: defineEvent({ ...shared, name: 'test.counted', meaning: 'A test counts.', data, examples }),
    /** What the handler of `counted` says, through the outbox. */
    echoed: defineEvent({ ...shared, name: 'test.echoed', meaning: 'It was counted.', data, examples }),
  }
}

export interface Step {
  namespace: string
  key: string
  n: number
}
