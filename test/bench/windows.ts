import { readFileSync } from 'node:fs'
import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { eventually } from '@cascata/testing'
import { applyResources, startApps, type Apps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { exchange } from './features/exchange.ts'

export const title = 'Windowed aggregates: rows into tiles, and look-ups that merge them'
export const aims = { windows_rows_per_cpu_s: { atLeast: 20_000 }, windows_1_c1_p99_ms: { atMost: 5 } }

const airports = 300
const partitions = 4
const batchRows = 5_000
const days = 7
const topic = 'bench-landings'
const end = Date.parse('2001-02-01T00:00:00Z')

const yaml = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: landings}
spec:
  source: {topic: ${topic}, partitions: ${partitions}}
  entity: [airport]
  eventTime: {field: landedAt}
  fields: {airport: string, landedAt: timestamp, delayMin: {type: double, nullable: true}}
  aggregations:
    delay: {fn: mean, of: delayMin, windows: [3h, 7d]}
    spread: {fn: stddev, of: delayMin, windows: [3h]}
    landings: {fn: count, windows: [3h, 7d]}
`
const features = ['delay_3h', 'delay_7d', 'spread_3h', 'landings_3h', 'landings_7d'].map((name) => `landings:${name}`)

/** Landings over a week, evenly, known a minute after they happened. */
const row = (n: number, rows: number) => {
  const at = end - days * 86_400_000 + Math.floor((n / rows) * days * 86_400_000)
  const value = {
    airport: `A${(n * 7_919) % airports}`,
    landedAt: new Date(at).toISOString(),
    delayMin: n % 10 === 0 ? null : (n % 97) - 20,
  }
  return { value: JSON.stringify(value), timestamp: String(at + 60_000), partition: n % partitions }
}

/** CPU time of a process so far, in s. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Fills the topic, then has the view read it to its end. */
async function ingest(apps: Apps, rows: number): Promise<Metrics> {
  for (let from = 0; from < rows; from += batchRows)
    await apps.producer.send({
      topic,
      messages: Array.from({ length: Math.min(batchRows, rows - from) }, (_, n) => row(from + n, rows)),
    })
  const pid = apps.pid('feature-store')
  const [begun, cpu] = [performance.now(), cpuOf(pid)]
  await applyResources(apps, yaml)
  await eventually(
    async () => {
      const { rows: counts } = await apps
        .client('feature-store')
        .get<{ rows: { accepted: number } }>('/v1/views/default/landings')
      if (counts.accepted < rows) throw new Error(`${counts.accepted} of ${rows} rows are counted`)
    },
    { timeout: 600_000, interval: 100 },
  )
  const [seconds, spent] = [(performance.now() - begun) / 1_000, cpuOf(pid) - cpu]
  return { windows_rows_per_s: rows / seconds, windows_rows_per_cpu_s: rows / spent }
}

const bodiesOf = (count: number): string[] =>
  Array.from({ length: 100 }, (_, request) =>
    JSON.stringify({
      features,
      entities: { airport: Array.from({ length: count }, (_each, n) => `A${(request * 31 + n) % airports}`) },
    }),
  )

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  const config = { 'max.message.bytes': '2097152', 'retention.ms': '-1', 'segment.ms': '31536000000' }
  await kafka.ensure([{ topic, partitions, config }])
  await kafka.close()
  const apps = await startApps(context, ['registry', 'feature-store'])
  try {
    const metrics = await ingest(apps, context.full ? 2_000_000 : 200_000)
    context.say(
      `${Math.round(metrics['windows_rows_per_s']!)} rows/s, ${Math.round(metrics['windows_rows_per_cpu_s']!)} per CPU second`,
    )
    const headers = { 'cascata-at': new Date(end).toISOString() }
    const pid = apps.pid('feature-store')
    for (const count of [1, 100]) {
      for (const connections of [1, 16]) {
        const cpu = cpuOf(pid)
        const url = `${apps.url('feature-store')}/v1/features`
        const found = await exchange({ url, connections, seconds: 4, bodies: bodiesOf(count), headers })
        const name = `windows_${count}_c${connections}`
        // The warm-up of `exchange` counts as well: half as many requests.
        const spent = ((cpuOf(pid) - cpu) * 1_000) / (found.total * 1.5)
        Object.assign(metrics, {
          [`${name}_per_s`]: found.perSecond,
          [`${name}_p50_ms`]: found.p50,
          [`${name}_p99_ms`]: found.p99,
          [`${name}_cpu_ms`]: spent,
        })
        context.say(`${name}: ${Math.round(found.perSecond)}/s, p50 ${found.p50.toFixed(2)} ms, p99 ${found.p99.toFixed(2)} ms`)
      }
    }
    return { metrics }
  } finally {
    await apps.stop()
  }
}
