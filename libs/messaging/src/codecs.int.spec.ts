import kafkajs from 'kafkajs'
import { expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { connectKafka } from './kafka.ts'
import { silent } from './log.ts'
import { openProducer } from './producer.ts'
import { readLog } from './read-log.ts'
import { openTopics } from './topics.ts'

const { CompressionTypes } = kafkajs

it.each(['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const)('reads what was compressed with %s', async (codec) => {
  const topic = uniqueName('codec')
  const kafka = connectKafka({ brokers: [backing().kafka], clientId: 'codecs' }, silent)
  const topics = openTopics(kafka)
  await topics.ensure([{ topic, partitions: 1 }])
  const producer = await openProducer({ kafka, log: silent, compression: CompressionTypes[codec] })
  const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${'x'.repeat(i % 50)}`)
  await producer.send({ topic, messages: values.map((value) => ({ value })) })
  await producer.close()

  const read: string[] = []
  const consumer = kafka.consumer({ groupId: topic })
  const all = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => void (read.push(message.value!.toString()) === values.length && all.resolve()),
  })
  await all.promise
  expect(read).toEqual(values)
  await consumer.disconnect()
  await topics.close()
})

it('reads on behind a batch that unpacks to too much, and says which it was', async () => {
  const topic = uniqueName('bomb')
  const kafka = connectKafka({ brokers: [backing().kafka], clientId: 'bomb', maxUnpacked: 1024 ** 2 }, silent)
  const topics = openTopics(kafka)
  await topics.ensure([{ topic, partitions: 1 }])
  // Ours makes smaller batches.
  const producer = kafka.producer()
  await producer.connect()
  for (const values of [['before'], Array.from({ length: 20 }, () => 'x'.repeat(200_000)), ['after']])
    await producer.send({ topic, compression: CompressionTypes.ZSTD, messages: values.map((value) => ({ value })) })
  await producer.disconnect()

  const read: string[] = []
  await readLog({
    kafka,
    topic,
    from: 'beginning',
    follow: false,
    onRecord: ({ offset, value, headers }) =>
      void read.push(`${offset} ${value?.toString() ?? String(headers?.['cascata-unreadable'])}`),
  })
  expect(read).toEqual([
    '0 before',
    '20 the batch of offsets 1 to 20 unpacks to more than 1048576 bytes (KAFKA_MAX_UNPACKED)',
    '21 after',
  ])
  connectKafka({ brokers: [backing().kafka], clientId: 'bomb' }, silent)
  await topics.close()
})
