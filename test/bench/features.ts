import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { startApps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { memory } from './features/feast-layout.ts'
import { freshness } from './features/freshness.ts'
import { joins } from './features/joins.ts'
import { feast, lookUps } from './features/look-ups.ts'
import { fill, viewName, views } from './features/workload.ts'

export const title = 'Features: Feast’s own workload, freshness, memory, training rows'
export const aims = {
  feast_50x1_c1_p99_ms: { atMost: 2 },
  feast_50x100_c1_p99_ms: { atMost: 12 },
  ...Object.fromEntries(
    Object.entries(feast).map(([size, { python, go }]) => [`feast_${size}_c1_per_s`, { atLeast: Math.max(10 * python, 2 * go) }]),
  ),
  visible_p50_ms: { atMost: 15 },
  visible_p99_ms: { atMost: 60 },
  redis_of_feast_ratio: { atMost: 0.5 },
  join_one_view_of_by_hand: { atMost: 1.3 },
  join_five_views_of_by_hand: { atMost: 1.3 },
  join_five_views_peak_mib: { atMost: 2_600 },
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  const config = { 'max.message.bytes': '2097152' }
  await kafka.ensure(Array.from({ length: views }, (_, view) => ({ topic: `bench-${viewName(view)}`, partitions: 1, config })))
  await kafka.close()
  const apps = await startApps(context, ['registry', 'feature-store'])
  const metrics: Metrics = {}
  try {
    await fill(apps, context.say)
    Object.assign(metrics, await lookUps(context, apps, context.full ? 8 : 2))
    Object.assign(metrics, await freshness(context, apps))
  } finally {
    await apps.stop()
  }
  return { metrics: { ...metrics, ...(await memory(context.urls.redis)), ...(await joins(context)) } }
}
