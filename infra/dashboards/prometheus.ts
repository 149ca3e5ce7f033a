import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fetchAnyPort } from '@cascata/service/any-port'
import { installPackages, which } from '../install/system-packages.ts'
import { freePort } from '../processes/ports.ts'
import { marker } from '../processes/process.ts'

/** A Prometheus of one test. */
export interface Prometheus {
  /** How many series a query has had within the last hour. @throws Error with the words of Prometheus */
  series(promql: string): Promise<number>
  stop(): Promise<void>
}

/** The distribution's package brings `prometheus` and `promtool`. @throws Error with the command to run when it can't be installed */
export const installPrometheus = async (): Promise<void> => {
  if (!which('promtool') || !which('prometheus')) await installPackages('Prometheus', [['prometheus']], () => {})
}

/**
 * Starts a Prometheus that scrapes apps each second.
 *
 * @param home Its data lie here, and it is ended with everything that bears the mark of this folder.
 * @param targets `host:port` by app.
 */
export async function startPrometheus(home: string, targets: Record<string, string>): Promise<Prometheus> {
  await installPrometheus()
  const folder = join(home, 'prometheus')
  mkdirSync(folder, { recursive: true })
  const jobs = Object.entries(targets).map(([job_name, target]) => ({ job_name, static_configs: [{ targets: [target] }] }))
  const config = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(
    which('prometheus')!,
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: 'ignore', env: { ...process.env, [marker]: home } },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}.`)
    if (
      await fetchAnyPort(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break
    await delay(100)
  }
  return {
    async series(promql) {
      const query = new URLSearchParams({ query: `count(count_over_time((${promql})[1h:5s]))` })
      const answer = await fetchAnyPort(`http://${address}/api/v1/query?${query.toString()}`)
      const { status, error, data } = (await answer.json()) as {
        status: string
        error?: string
        data: { result: { value: [number, string] }[] }
      }
      if (status !== 'success') throw new Error(`${promql}: ${error}`)
      return Number(data.result[0]?.value[1] ?? 0)
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
