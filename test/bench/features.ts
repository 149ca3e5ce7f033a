import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { startApps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { feast, lookUps } from './features/look-ups.ts'
import { fill, viewName, views } from './features/workload.ts'

export const title = 'Features: Feast’s own workload, training rows, freshness'
export const aims = {
  feast_50x1_c1_p99_ms: { atMost: 2 },
  feast_50x100_c1_p99_ms: { atMost: 12 },
  ...Object.fromEntries(
    Object.entries(feast).map(([size, { python, go }]) => [`feast_${size}_c1_per_s`, { atLeast: Math.max(10 * python, 2 * go) }]),
  ),
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  const config = { 'max.message.bytes': '2097152' }
  await kafka.ensure(Array.from({ length: views }, (_, view) => ({ topic: `bench-${viewName(view)}`, partitions: 1, config })))
  await kafka.close()
  const apps = await startApps(context, ['registry', 'feature-store'])
  try {
    await fill(apps, context.say)
    return { metrics: await lookUps(context, apps, context.full ? 8 : 4) }
  } finally {
    await apps.stop()
  }
}
