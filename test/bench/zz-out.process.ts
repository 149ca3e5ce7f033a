import { mkdtempSync, rmSync } from 'node:fs'
import startBacking from '@cascata/testing/backing'
import { backing } from '@cascata/testing'
import { connectKafka, openTopics, silent } from '@cascata/messaging'
import { startApps } from '/work/main/test/bench/apps.ts'
import { fill, viewName, views, bodiesOf } from '/work/main/test/bench/features/workload.ts'
import { exchange } from '/work/main/test/bench/features/exchange.ts'
import { readFileSync } from 'node:fs'
const cpuOf = (pid: number): number => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '); return (Number(f[11]) + Number(f[12])) * 10 }
const stop = await startBacking()
const home = mkdtempSync('/tmp/t-out/bench-')
const urls = backing()
const kafka = openTopics(connectKafka({ brokers: [urls.kafka], clientId: 'bench' }, silent))
await kafka.ensure(Array.from({ length: views }, (_, view) => ({ topic: `bench-${viewName(view)}`, partitions: 1, config: {'max.message.bytes': '2097152'} })))
await kafka.close()
const apps = await startApps({ urls, home, full: false, say: console.log }, ['registry', 'feature-store'], process.env['PROF'] ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=/tmp/t-out/prof` } : {})
try {
  await fill(apps, console.log)
  const pid = apps.pid('feature-store')
  for (const [features, count] of (process.env['SIZES'] ?? '50x1,50x100,250x1,250x100').split(',').map((s) => s.split('x').map(Number)) as [number, number][])
    for (const [name, path, headers] of [['feast', '/get-online-features', {}], ['own', '/v1/features', {}], ['bin', '/v1/features', { accept: 'application/vnd.msgpack' }]] as const) {
      if (process.env['ONLY'] && process.env['ONLY'] !== name) continue
      await exchange({ url: apps.url('feature-store') + path, connections: 1, seconds: 1, bodies: bodiesOf(features, count), headers })
      const cpu = cpuOf(pid)
      const s = 3
      const r = await exchange({ url: apps.url('feature-store') + path, connections: 1, seconds: s, bodies: bodiesOf(features, count), headers })
      console.log(`${name} ${features}x${count}`, `${r.perSecond.toFixed(0)}/s p50 ${r.p50.toFixed(2)} p99 ${r.p99.toFixed(2)} cpu ${((cpuOf(pid) - cpu) / (r.total * (1 + 2 / s))).toFixed(3)} ms bytes ${r.bytes}`)
    }
} finally { await apps.stop(); await stop(); rmSync(home, { recursive: true, force: true }) }
process.exit(0)
