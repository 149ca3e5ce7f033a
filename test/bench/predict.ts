import { readFileSync } from 'node:fs'
import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { eventually } from '@cascata/testing'
import { applyResources, registerModel, startApps, untilServes, type Apps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { load } from './load.ts'
import { columnTrees, treeResources } from './models.ts'

export const title = 'Prediction by entity: look-up of 10 features, 100 trees, every prediction logged'
export const aims = {
  predict_16_connections_per_s: { atLeast: 3_000 },
  predict_16_connections_p99_ms: { atMost: 15 },
}

const width = 10
const entities = 10_000
const columns = Array.from({ length: width }, (_, at) => `rows${width}__f${at}`)

/** Publishes a row for each entity and waits until all are readable online. */
async function ingest({ urls, say }: BenchContext, apps: Apps): Promise<void> {
  const at = new Date().toISOString()
  const row = (id: number) =>
    JSON.stringify({
      id: `e${id}`,
      at,
      ...Object.fromEntries(columns.map((_, f) => [`f${f}`, ((id * 37 + f * 11) % 100) / 100])),
    })
  const messages = Array.from({ length: entities }, (_, id) => ({ key: `e${id}`, value: row(id) }))
  await apps.producer.send({ topic: 'bench-rows10', messages })
  const store = apps.client('feature-store')
  await eventually(
    async () => {
      const { rows } = await store.get<{ rows: { accepted: number } }>('/v1/views/default/rows10')
      if (rows.accepted < entities) throw new Error(`${rows.accepted} of ${entities} rows are readable`)
    },
    { timeout: 60_000, interval: 200 },
  )
  say(`${entities} entities are readable at ${urls.redis}`)
}

/** CPU time of a process so far, in µs. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  await kafka.ensure(['bench-rows10', 'bench-outcomes'].map((topic) => ({ topic, partitions: 4 })))
  await kafka.close()
  const apps = await startApps(context, ['registry', 'feature-store', 'inference'])
  try {
    await applyResources(apps, treeResources({ model: 'trees', width, sample: '100%' }))
    await ingest(context, apps)
    await apps.publish({ model: 'trees', champion: await registerModel(apps, 'trees', columnTrees(columns), columns) })
    await untilServes(apps, 'trees')

    const url = `${apps.url('inference')}/v1/models/trees/predict`
    const bodies = Array.from({ length: 1_000 }, (_, at) => JSON.stringify({ entities: { id: [`e${(at * 7919) % entities}`] } }))
    const check = await apps
      .client('inference')
      .post<{ predictions: { missing?: string[] }[] }>('/v1/models/trees/predict', JSON.parse(bodies[0]!))
    if (check.predictions[0]?.missing) throw new Error(`features are missing: ${check.predictions[0].missing.join(', ')}`)
    const metrics: Metrics = {}
    for (const connections of [1, 16, 64]) {
      const [inference, store] = [cpuOf(apps.pid('inference')), cpuOf(apps.pid('feature-store'))]
      const { perSecond, p50, p99, total } = await load({ url, connections, seconds: 8, bodies })
      const name = `predict_${connections}_connection${connections === 1 ? '' : 's'}`
      context.say(`${name}: ${Math.round(perSecond)}/s, p50 ${p50} ms, p99 ${p99} ms`)
      Object.assign(metrics, {
        [`${name}_per_s`]: perSecond,
        [`${name}_p50_ms`]: p50,
        [`${name}_p99_ms`]: p99,
        [`${name}_inference_cpu_us`]: (cpuOf(apps.pid('inference')) - inference) / total,
        [`${name}_feature_store_cpu_us`]: (cpuOf(apps.pid('feature-store')) - store) / total,
      })
    }
    const text = await (await fetch(`${apps.url('inference')}/metrics`)).text()
    metrics['log_dropped'] = [...text.matchAll(/^cascata_inference_log_dropped_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    )
    return { metrics }
  } finally {
    await apps.stop()
  }
}
