import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { serviceApps } from '../build/sources.ts'
import { images } from '../backing/images.ts'
import { root } from '../paths.ts'
import { appPorts, backingPorts, envPrefix } from '../platform/ports.ts'

interface Service {
  image: string
  ports?: string[]
  environment?: Record<string, string>
}
const read = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true })
const services = (read('docker-compose.yml') as { services: Record<string, Service> }).services
const apps = serviceApps().filter((app) => app !== 'console')

/** `${NAME:-value}` → `value`. */
const plain = (text: string) => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')

it('runs the backing services in the versions and on the ports of the local ones', () => {
  expect(plain(services['kafka']!.image)).toBe(images.kafka)
  expect(plain(services['postgres']!.image)).toBe(images.postgres)
  expect(plain(services['redis']!.image)).toBe(images.redis)
  for (const name of ['kafka', 'postgres', 'redis'] as const)
    expect(services[name]!.ports!.map(plain)[0]).toContain(`127.0.0.1:${backingPorts[name]}:`)
})

it.each(apps)('runs %s on its port of this machine only, and tells the others where it is', (app) => {
  expect(services[app]!.ports).toEqual([`127.0.0.1:${appPorts[app]}:${appPorts[app]}`])
  expect(services[app]!.environment![`${envPrefix(app)}_URL`]).toBe(`http://${app}:${appPorts[app]}`)
})

it('lets Prometheus scrape every app', () => {
  const { scrape_configs: jobs } = read('infra/prometheus/prometheus.yml') as {
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
  }
  const targets = Object.fromEntries(jobs.map((job) => [job.job_name, job.static_configs[0]!.targets]))
  for (const app of apps) expect(targets[app]).toEqual([`${app}:${appPorts[app]}`])
})
