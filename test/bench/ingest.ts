import { readFileSync } from 'node:fs'
import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { applyResources, startApps, type Apps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { flightPlans } from './flight-plans.ts'

export const title = 'Ingestion: rows from Kafka into both stores'
export const aims = {
  ingest_2m_rows_per_cpu_s: { atLeast: 40_000 },
  rss_growth_mib: { atMost: 100 },
}

const sizes = [
  { name: '200k', rows: 200_000 },
  { name: '2m', rows: 2_000_000 },
]
const partitions = 4
const batchRows = 5_000

const t0 = Date.parse('2001-01-01T00:00:00Z')

/** Flight plans as a service would publish them: of 50,000 flights, one every 100 ms. */
const row = (n: number) => {
  const at = t0 + n * 100
  const value = {
    flight: `F${n % 50_000}`,
    publishedAt: new Date(at).toISOString(),
    departsAt: new Date(at + 86_400_000).toISOString(),
    origin: 'ATL',
    destination: `D${n % 300}`,
    carrier: 'AA',
    distanceKm: (n * 7) % 5_000,
    gateChanges: n % 3 === 0 ? null : n % 4,
    hour: n % 24,
    weekday: n % 7,
  }
  return { value: JSON.stringify(value), timestamp: String(at), partition: n % partitions }
}

async function publish(apps: Apps, topic: string, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += batchRows) {
    const messages = Array.from({ length: Math.min(batchRows, rows - from) }, (_, index) => row(from + index))
    await apps.producer.send({ topic, messages })
  }
}

/** CPU time of a process so far, in s. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

/** Applies the view of a topic that is full, and follows it to the end. */
async function ingest(apps: Apps, view: string, rows: number) {
  const pid = apps.pid('feature-store')
  const store = apps.client('feature-store')
  await applyResources(apps, flightPlans(view, partitions))
  let peak = 0
  let begun: { at: number; cpu: number; accepted: number } | undefined
  for (;;) {
    const cpu = cpuOf(pid)
    const state = await store.get<{ rows: { accepted: number } }>(`/v1/views/default/${view}`).catch(() => undefined)
    const accepted = state?.rows.accepted ?? 0
    peak = Math.max(peak, residentMiB(pid))
    if (accepted > 0) begun ??= { at: performance.now(), cpu, accepted }
    if (begun && accepted === rows) {
      const read = rows - begun.accepted
      return { perSecond: (read * 1_000) / (performance.now() - begun.at), perCpuSecond: read / (cpuOf(pid) - begun.cpu), peak }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  const config = { 'retention.ms': '-1', 'segment.ms': '31536000000', 'max.message.bytes': '2097152' }
  await kafka.ensure(sizes.map(({ name }) => ({ topic: `bench-ingest-${name}`, partitions, config })))
  await kafka.close()
  const apps = await startApps(context, ['registry', 'feature-store'])
  try {
    const metrics: Metrics = {}
    const peaks: number[] = []
    for (const { name, rows } of sizes) {
      const view = `bench-ingest-${name}`
      await publish(apps, view, rows)
      context.say(`${rows} rows are published`)
      const { perSecond, perCpuSecond, peak } = await ingest(apps, view, rows)
      context.say(`${Math.round(perSecond)} rows/s, ${Math.round(perCpuSecond)} a second of CPU, at most ${Math.round(peak)} MiB`)
      peaks.push(peak)
      Object.assign(metrics, {
        [`ingest_${name}_rows_per_s`]: perSecond,
        [`ingest_${name}_rows_per_cpu_s`]: perCpuSecond,
        [`rss_${name}_max_mib`]: peak,
      })
    }
    return { metrics: { ...metrics, rss_growth_mib: peaks.at(-1)! - peaks[0]! } }
  } finally {
    await apps.stop()
  }
}
