import { expect, it } from 'vitest'
import { topicDangers, topicSettings } from './topic-settings.ts'

it('says what Kafka’s defaults would do to history', () => {
  expect(topicDangers(topicSettings)).toEqual([])
  const usual = {
    'retention.ms': '604800000',
    'segment.ms': '604800000',
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': '1048588',
  }
  expect(topicDangers(usual).map((said) => said.split('=')[0])).toEqual(Object.keys(topicSettings))
})
