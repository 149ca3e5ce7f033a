import { createHash } from 'node:crypto'
import { createReadStream, globSync, readFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { applyResources, startApps, type Apps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { flightPlans } from './flight-plans.ts'

export const title = 'Import: files of rows into both stores'
export const aims = {
  import_parquet_rows_per_s: { atLeast: 200_000 },
  import_rss_max_mib: { atMost: 1_536 },
}

const rows = 2_000_000
const entities = 50_000
const pieceBytes = 8 * 1024 ** 2

/** The rows of the benchmark of ingestion, as files of each format. */
async function writeFiles(folder: string): Promise<Record<string, string>> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  const iso = (time: string) => `strftime(${time}, '%Y-%m-%dT%H:%M:%S.%gZ')`
  const select = (time: (of: string) => string) => `
    select 'F' || (n % ${entities}) as flight, ${time('epoch_ms(978307200000 + n * 100)')} as "publishedAt",
           ${time('epoch_ms(978307200000 + n * 100 + 86400000)')} as "departsAt", 'ATL' as origin, 'D' || (n % 300) as destination,
           'AA' as carrier, ((n * 7) % 5000)::DOUBLE as "distanceKm", case when n % 3 > 0 then n % 4 end as "gateChanges",
           n % 24 as hour, n % 7 as weekday
      from range(${rows}) t(n)`
  const files = { parquet: join(folder, 'rows.parquet'), csv: join(folder, 'rows.csv'), ndjson: join(folder, 'rows.ndjson') }
  await connection.run(`copy (${select((time) => time)}) to '${files.parquet}' (format parquet)`)
  await connection.run(`copy (${select(iso)}) to '${files.csv}' (header)`)
  await connection.run(`copy (${select(iso)}) to '${files.ndjson}' (format json)`)
  connection.closeSync()
  instance.closeSync()
  return files
}

/** The service and the processes that it started. */
function processesOf(pid: number): number[] {
  const children = globSync(`/proc/${pid}/task/*/children`).flatMap((file) =>
    readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(processesOf)]
}

const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  // Of its own and of the children that have ended.
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / 100
}

function residentMiB(pid: number): number {
  let sum = 0
  for (const each of processesOf(pid)) {
    try {
      sum += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      // It has ended since.
    }
  }
  return sum
}

/** Sends a file as the command does, and follows the import to its end. */
async function importFile(apps: Apps, view: string, format: string, path: string) {
  const [url, pid] = [apps.url('feature-store'), apps.pid('feature-store')]
  const begun = performance.now()
  const cpu = cpuOf(pid)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Buffer>) hash.update(chunk)
  const sha256 = hash.digest('hex')
  const { size: bytes } = await stat(path)
  const { id } = await apps
    .client('feature-store')
    .post<{ id: string }>('/v1/imports', { view, files: [{ sha256, name: 'rows', bytes, format }] })
  const handle = await open(path, 'r')
  for (let at = 0; at < bytes; at += pieceBytes) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, at)
    const sent = await fetch(`${url}/v1/imports/${id}/files/${sha256}?offset=${at}`, {
      method: 'PUT',
      body: buffer.subarray(0, bytesRead),
      headers: { 'content-type': 'application/octet-stream' },
    })
    if (!sent.ok) throw new Error(await sent.text())
  }
  await handle.close()
  const sent = performance.now()
  let peak = 0
  for (;;) {
    const { state, accepted, error } = await apps
      .client('feature-store')
      .get<{ state: string; accepted: number; error?: { message: string } }>(`/v1/imports/${id}`)
    peak = Math.max(peak, residentMiB(pid))
    if (state === 'failed' || (state === 'done' && accepted !== rows)) throw new Error(error?.message ?? `${accepted} rows`)
    if (state === 'done') break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const ended = performance.now()
  return {
    perSecond: (rows * 1_000) / (ended - begun),
    sending: (sent - begun) / 1_000,
    perCpuSecond: rows / (cpuOf(pid) - cpu),
    peak,
  }
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const formats = ['parquet', 'csv', 'ndjson']
  const kafka = openTopics(connectKafka({ brokers: [context.urls.kafka], clientId: 'bench' }, silent))
  const config = { 'retention.ms': '-1', 'segment.ms': '31536000000', 'max.message.bytes': '2097152' }
  await kafka.ensure(formats.map((format) => ({ topic: `bench-import-${format}`, partitions: 1, config })))
  await kafka.close()
  const files = await writeFiles(context.home)
  const apps = await startApps(context, ['registry', 'feature-store'])
  try {
    const metrics: Metrics = {}
    let peakOfAll = 0
    for (const format of formats) {
      const view = `bench-import-${format}`
      await applyResources(apps, flightPlans(view, 1, '  ttl: none\n'))
      for (let known = false; !known;) known = (await fetch(`${apps.url('feature-store')}/v1/views/default/${view}`)).ok
      const { perSecond, sending, perCpuSecond, peak } = await importFile(apps, view, format, files[format]!)
      context.say(
        `${format}: ${Math.round(perSecond)} rows/s (${sending.toFixed(1)} s of it sending), ${Math.round(perCpuSecond)} a second of CPU, at most ${Math.round(peak)} MiB`,
      )
      peakOfAll = Math.max(peakOfAll, peak)
      metrics[`import_${format}_rows_per_s`] = perSecond
      metrics[`import_${format}_rows_per_cpu_s`] = perCpuSecond
    }
    return { metrics: { ...metrics, import_rss_max_mib: peakOfAll } }
  } finally {
    await apps.stop()
  }
}
