import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testHome, uniqueName } from '@cascata/testing'
import { readPlatform } from '../platform/files.ts'
import { freeOffset } from '../platform/free-offset.ts'
import { startPlatform } from '../platform/start-platform.ts'
import { stopPlatform } from '../platform/stop-platform.ts'
import { dashboards, queriesOf } from './index.ts'

const home = join(testHome(), uniqueName('watched'))

beforeAll(async () => {
  const portOffset = await freeOffset()
  await startPlatform({ home, portOffset, replicas: [], signal: new AbortController().signal, say: () => {} })
})

afterAll(() => stopPlatform(home, () => {}))

it('serves every metric that a panel asks for', async () => {
  const { apps } = readPlatform(home)!
  const served = await Promise.all(Object.values(apps).map(async ({ url }) => (await fetch(`${url}/metrics`)).text()))
  const names = new Set(
    served.flatMap((text) =>
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
      ),
    ),
  )
  const asked = dashboards
    .flatMap(queriesOf)
    .flatMap(({ panel, promql }) => [...promql.matchAll(/\bcascata_[a-z0-9_]+/g)].map(([name]) => ({ panel, name })))
  expect(asked.length).toBeGreaterThan(50)
  expect(asked.filter(({ name }) => !names.has(name))).toEqual([])
})

it('explains every metric that it serves', async () => {
  for (const { url } of Object.values(readPlatform(home)!.apps)) {
    const text = await (await fetch(`${url}/metrics`)).text()
    for (const [, name] of text.matchAll(/^# TYPE (cascata_\S+)/gm))
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.{9,}`, 'm'))
  }
})
