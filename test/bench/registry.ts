import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startApps } from './apps.ts'
import type { BenchContext, Metrics } from './context.ts'
import { type Driven, httpClient } from './registry/drive.ts'
import { startPeer } from './registry/peer.ts'
import { contend, scenarios, type Subject } from './registry/scenarios.ts'
import { mlflowTables, ourTables, seedBySql, seedOverHttp } from './registry/seed.ts'

export const title = "Experiment tracking over MLflow's protocol, 8 clients"
export const aims = {
  search_p99_ms: { atMost: 50 },
  contended_writes_failed: { atMost: 0 },
  stream_rss_growth_mib: { atMost: 64 },
  create_run_times_mlflow: { atLeast: 5 },
  log_10_metrics_times_mlflow: { atLeast: 5 },
  log_100_params_times_mlflow: { atLeast: 5 },
  search_times_mlflow: { atLeast: 10 },
}

/** `--runs=200000` for more runs, `--peer=<python>` for MLflow's own server beside it, `--seconds=5` a scenario. */
const option = (name: string): string | undefined =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)

const mostOverHttp = 20_000

const experimentOf = async (subject: Pick<Subject, 'client'>): Promise<string> => {
  const body = JSON.stringify({ name: `bench-${Date.now()}` })
  const made = await subject.client.json<{ experiment_id: string }>({
    method: 'POST',
    path: '/api/2.0/mlflow/experiments/create',
    body,
  })
  return made.experiment_id
}

const figures = (name: string, { perSecond, p50, p99 }: Driven): Metrics => ({
  [`${name}_per_s`]: perSecond,
  [`${name}_p50_ms`]: p50,
  [`${name}_p99_ms`]: p99,
})

/** CPU time of a process so far, in ms. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const rssOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

/** Sends and fetches a file of many bytes and watches the memory of the server; answers by how much it grew at most, in MiB. */
async function streamed(url: string, pid: number, mebibytes: number): Promise<number> {
  const before = rssOf(pid)
  let most = before
  const watch = setInterval(() => (most = Math.max(most, rssOf(pid))), 50)
  const path = `${url}/api/2.0/mlflow-artifacts/artifacts/large.bin`
  const chunk = Buffer.alloc(1024 ** 2, 'cascata ')
  const content = function* () {
    for (let index = 0; index < mebibytes; index += 1) yield chunk
  }
  await new Promise<void>((resolve, reject) => {
    const put = request(path, { method: 'PUT' }, (answer) => answer.resume().on('end', () => resolve()))
    pipeline(Readable.from(content()), put).catch(reject)
  })
  let received = 0
  for await (const piece of (await fetch(path)).body!) received += piece.length
  clearInterval(watch)
  if (received !== mebibytes * chunk.length) throw new Error(`${received} bytes came back of ${mebibytes} MiB`)
  return most - before
}

async function measurePeer(python: string, { urls, home, say }: BenchContext, runs: number, seconds: number): Promise<Metrics> {
  const peer = await startPeer(python, urls.postgres, home)
  const client = httpClient(peer.url)
  try {
    const experiment = await experimentOf({ client })
    const subject = { client, experiment, runs: await seedBySql(peer.databaseUrl, mlflowTables, experiment, 0, runs), seconds }
    const metrics: Metrics = {}
    for (const [name, scenario] of Object.entries(scenarios)) {
      const driven = await scenario(subject)
      say(`mlflow ${name}: ${driven.perSecond.toFixed(1)}/s, p50 ${driven.p50.toFixed(1)} ms, p99 ${driven.p99.toFixed(1)} ms`)
      Object.assign(metrics, figures(`mlflow_${name}`, driven))
    }
    return metrics
  } finally {
    client.close()
    await peer.stop()
  }
}

async function seed(subject: Subject, runs: number, { urls, say }: BenchContext): Promise<{ ids: string[]; perSecond: number }> {
  const overHttp = Math.min(runs, mostOverHttp)
  const start = performance.now()
  const ids = await seedOverHttp(subject.client, subject.experiment, overHttp, say)
  const perSecond = (overHttp * 1_000) / (performance.now() - start)
  say(`seeded ${Math.round(perSecond)} runs/s over HTTP`)
  const bySql = await seedBySql(urls.postgres, ourTables, subject.experiment, overHttp, runs - overHttp)
  return { ids: [...ids, ...bySql], perSecond }
}

export async function run(context: BenchContext): Promise<{ metrics: Metrics }> {
  const runs = Number(option('runs') ?? (context.full ? 200_000 : mostOverHttp))
  const seconds = Number(option('seconds') ?? 5)
  const apps = await startApps(context, ['registry'])
  const client = httpClient(apps.url('registry'))
  const metrics: Metrics = { runs }
  try {
    const empty = { client, experiment: await experimentOf({ client }), runs: [], seconds }
    const seeded = await seed(empty, runs, context)
    metrics['seed_runs_per_s'] = seeded.perSecond
    const subject = { ...empty, runs: seeded.ids }
    for (const [name, scenario] of Object.entries(scenarios)) {
      const before = cpuOf(apps.pid('registry'))
      const driven = await scenario(subject)
      const cpu = (cpuOf(apps.pid('registry')) - before) / driven.total
      context.say(
        `${name}: ${driven.perSecond.toFixed(1)}/s, p50 ${driven.p50.toFixed(1)} ms, p99 ${driven.p99.toFixed(1)} ms, ${cpu.toFixed(2)} ms CPU each`,
      )
      Object.assign(metrics, figures(name, driven), { [`${name}_cpu_ms`]: cpu })
    }
    metrics['contended_writes_failed'] = await contend(subject)
    metrics['stream_rss_growth_mib'] = await streamed(apps.url('registry'), apps.pid('registry'), 1_024)
    metrics['rss_mib'] = rssOf(apps.pid('registry'))
  } finally {
    client.close()
    await apps.stop()
  }
  const python = option('peer')
  if (python === undefined) return { metrics }
  const peer = await measurePeer(python, context, runs, seconds)
  const times = Object.keys(scenarios).map((name) => [
    `${name}_times_mlflow`,
    metrics[`${name}_per_s`]! / peer[`mlflow_${name}_per_s`]!,
  ])
  return { metrics: { ...metrics, ...peer, ...Object.fromEntries(times) } }
}
