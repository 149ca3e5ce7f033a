import { expect, it } from 'vitest'
import { backing, uniqueName } from '@cascata/testing'
import { outsider, settingsForTest, startForTest } from './start-for-test.ts'

const viewOf = (name: string) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${name}}
spec:
  source: {topic: ${name}, partitions: 1}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp}
`

it('ends at any moment of its beginning, with many views to begin', { timeout: 120_000 }, async () => {
  const { kafka } = backing()
  const begin = () => startForTest(settingsForTest(kafka))
  await (await begin()).stop()
  const them = await outsider(kafka)
  try {
    const names = Array.from({ length: 30 }, (_, n) => `${uniqueName('early').toLowerCase().replaceAll('_', '-')}-${n}`)
    await them.apply(names.map(viewOf).join('---'))
    for (const ms of [0, 30, 300]) {
      const service = await begin()
      await new Promise((resolve) => setTimeout(resolve, ms))
      const late = new Promise((resolve) => setTimeout(() => resolve('still stopping'), 20_000).unref())
      expect(await Promise.race([service.stop().then(() => 'stopped'), late])).toBe('stopped')
    }
  } finally {
    await them.close()
  }
})
