import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  eventually,
  freePort,
  spawnWorker,
  startPrivateKafka,
  testHome,
  uniqueName,
  type PrivateService,
  type Worker,
} from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { doublingModel } from './models/test-models.ts'
import { platform, standInRegistry } from './test-platform.ts'

const root = resolve(import.meta.dirname, '../../..')
const home = join(testHome(), uniqueName('inference'))
const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] })

let kafka: PrivateService
let registry: Awaited<ReturnType<typeof standInRegistry>>
let others: Awaited<ReturnType<typeof platform>>
let replica: Worker
let port: number

const begin = async () => {
  const env = {
    CASCATA_HOME: home,
    INFERENCE_PORT: String(port),
    KAFKA_BROKERS: kafka.url,
    REGISTRY_URL: registry.url,
    FEATURE_STORE_URL: 'http://127.0.0.1:1',
  }
  replica = await spawnWorker(join(root, 'dist/apps/inference/main.js'), { env })
}

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'infra/build.ts'), 'inference'], { cwd: root, stdio: 'pipe' })
  ;[kafka, registry, port] = await Promise.all([startPrivateKafka(), standInRegistry(), freePort()])
  others = await platform(kafka.url)
  await begin()
})
afterAll(async () => {
  await replica?.kill()
  await others?.close()
  await registry?.close()
  await kafka?.kill()
})

/** Which version answers; a caller that tries again until somebody does. */
const ask = () =>
  eventually(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/v2/models/doubles/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect(answer.status).toBe(200)
      const { model_version: version, outputs } = (await answer.json()) as {
        model_version: string
        outputs: { data: number[] }[]
      }
      expect(outputs[0]!.data).toEqual([2, 4])
      return Number(version)
    },
    { timeout: 60_000, interval: 20 },
  )

/** The version of the last good route on the replica's disk: written right after a swap, so a kill may come before. */
const kept = (): number => {
  const [file] = globSync('**/routes.json', { cwd: home })
  const routes = JSON.parse(readFileSync(join(home, file!), 'utf8')) as { champion: string }[]
  return Number(routes[0]!.champion)
}

it(
  'answers by the old or the new version, never by an older one, when it is killed during a swap',
  { timeout: 180_000 },
  async () => {
    registry.register('default/doubles/1', { model: doublingModel(2) })
    await others.route({ model: 'doubles', champion: '1' })
    await eventually(async () => expect(await ask()).toBe(1), { timeout: 120_000 })
    await eventually(() => expect(kept()).toBe(1))

    // Killed ever later after the route was said: before it is read, while the version is fetched and tried, after the swap.
    for (const [nth, delay] of [0, 30, 120, 400].entries()) {
      const version = nth + 2
      registry.register(`default/doubles/${version}`, { model: doublingModel(2) })
      await others.route({ model: 'doubles', champion: String(version) })
      await new Promise((done) => setTimeout(done, delay))
      await replica.kill()
      await begin()
      const first = await ask()
      expect([version - 1, version]).toContain(first)
      await eventually(async () => expect(await ask()).toBe(version), { timeout: 30_000 })
      await eventually(() => expect(kept()).toBe(version))
    }
  },
)
