import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Apps } from '../apps.ts'
import { quantile, type BenchContext, type Metrics } from '../context.ts'
import { exchange } from './exchange.ts'
import { bodiesOf, fieldsPerView } from './workload.ts'

/** Feast's servers, measured on a machine of this size: requests a second on one connection. */
export const feast = {
  '50x1': { python: 276, go: 1_147 },
  '50x100': { python: 12.7, go: 70 },
  '250x1': { python: 91, go: 275 },
  '250x100': { python: 2, go: 8.7 },
}

/** CPU time of a process so far, in ms. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const routes = [
  { name: 'feast', path: '/get-online-features', headers: {} },
  { name: 'own', path: '/v1/features', headers: {} },
  { name: 'binary', path: '/v1/features', headers: { accept: 'application/vnd.msgpack' } },
] as const

/** Looks up what Feast's benchmark does, over each of our APIs, with what it would cost to do nothing but read and answer. */
export async function lookUps({ urls, say }: BenchContext, apps: Apps, seconds: number): Promise<Metrics> {
  const metrics: Metrics = {}
  const echo = await startEcho()
  const redis = new Redis(urls.redis)
  const keys = await redis.keys('fs:{e*}*')
  const fields = (await redis.hkeys(keys[0]!)).sort()
  const pid = apps.pid('feature-store')
  try {
    for (const features of [50, 250]) {
      for (const count of [1, 100]) {
        const bodies = bodiesOf(features, count)
        const wanted = fields.slice(0, features / fieldsPerView)
        const read = await readFloor(redis, keys, { count, wanted }, seconds / 2)
        Object.assign(metrics, {
          [`floor_redis_${features}x${count}_p50_ms`]: read.p50,
          [`floor_redis_${features}x${count}_p99_ms`]: read.p99,
        })
        for (const { name, path, headers } of routes) {
          for (const connections of [1, 16]) {
            const cpu = cpuOf(pid)
            const found = await exchange({ url: apps.url('feature-store') + path, connections, seconds, bodies, headers })
            // The warm-up of `exchange` counts as well: the same requests for two seconds or less.
            const spent = (cpuOf(pid) - cpu) / (found.total * (1 + Math.min(2, seconds) / seconds))
            const label = `${name}_${features}x${count}_c${connections}`
            Object.assign(metrics, {
              [`${label}_per_s`]: found.perSecond,
              [`${label}_p50_ms`]: found.p50,
              [`${label}_p99_ms`]: found.p99,
              [`${label}_cpu_ms`]: spent,
            })
            if (connections === 1) {
              const floor = await exchange({
                url: `${echo.url}/echo`,
                connections,
                seconds: seconds / 2,
                bodies,
                headers: { 'x-bytes': String(found.bytes) },
              })
              Object.assign(metrics, {
                [`${label}_bytes`]: found.bytes,
                [`floor_http_${label}_p50_ms`]: floor.p50,
                [`floor_http_${label}_p99_ms`]: floor.p99,
              })
            }
            say(
              `${label}: ${Math.round(found.perSecond)}/s, p50 ${found.p50.toFixed(2)} ms, p99 ${found.p99.toFixed(2)} ms, ${spent.toFixed(2)} ms of CPU`,
            )
          }
        }
      }
    }
    return metrics
  } finally {
    redis.disconnect()
    echo.stop()
  }
}

/** The same rows read by a bare pipeline. */
async function readFloor(
  redis: Redis,
  keys: readonly string[],
  { count, wanted }: { count: number; wanted: readonly string[] },
  seconds: number,
) {
  const latencies: number[] = []
  const until = performance.now() + seconds * 1_000
  for (let at = 0; performance.now() < until; at += count) {
    const pipeline = redis.pipeline()
    for (let n = 0; n < count; n += 1) pipeline.hmgetBuffer(keys[(at + n * 31) % keys.length]!, ...wanted)
    const begun = performance.now()
    await pipeline.exec()
    latencies.push(performance.now() - begun)
  }
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}

async function startEcho(): Promise<{ url: string; stop: () => void }> {
  const child = fork(join(import.meta.dirname, 'echo.process.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] })
  const [url] = (await once(child, 'message')) as [string]
  return { url, stop: () => void child.kill() }
}
