import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { cascata, serving } from '../test-shell.ts'

const folder = mkdtempSync(join(tmpdir(), 'cascata-versions-'))
afterAll(() => rmSync(folder, { recursive: true }))

const same = { same: 'bits', modelSha256: { recorded: 'aa', now: 'aa' }, predictions: null, differences: [], why: 'equal bytes' }

it.each([
  [same, 0, /default\/late\/3 made again is the same, bit for bit: equal bytes/],
  [
    { ...same, same: 'predictions', predictions: { rows: 100, worst: 1e-7, mean: 0, tolerance: 1e-6 } },
    0,
    /the same in its predictions[^]*at most 1e-7 apart over 100 rows \(bound 0.000001\)/,
  ],
  [
    { ...same, same: 'different', differences: [{ what: 'image', recorded: null, now: { digest: 'b' } }] },
    1,
    /is different[^]*image +– +{"digest":"b"}/,
  ],
])('waits for a version that is made again, and says how it came out: %#', async (result, code, words) => {
  let times = 0
  const dispatcher = await serving(({ method }) =>
    method === 'POST'
      ? [202, { reproduction: 'p-1', state: 'waiting' }]
      : [200, { reproduction: 'p-1', state: ++times > 1 ? 'done' : 'working', result, failure: null }],
  )
  const ran = await cascata(['reproduce', 'late/3'], { env: { DISPATCHER_URL: dispatcher.url } })
  expect(ran).toMatchObject({ code, out: expect.stringMatching(words) })
  expect(dispatcher.asked[0]!).toMatchObject({ url: '/v1/reproductions', body: '{"model":"default/late","version":"3"}' })
  expect(dispatcher.asked[2]!.url).toBe('/v1/reproductions/p-1')
})

it('says why a version can’t be made again', async () => {
  const failure = { code: 'DISP_DATASET_GONE', message: 'The dataset is no more.' }
  const dispatcher = await serving(() => [200, { reproduction: 'p-1', state: 'failed', result: null, failure }])
  const ran = await cascata(['reproduce', 'late/3'], { env: { DISPATCHER_URL: dispatcher.url } })
  expect(ran).toMatchObject({ code: 1, err: 'cascata: The dataset is no more. [DISP_DATASET_GONE]\n' })
})

it('puts two versions side by side, and what differs alone', async () => {
  const registry = await serving(() => [
    200,
    {
      one: 'default/late/3',
      other: 'team/late/4',
      parameters: [{ name: 'rounds', one: 100, other: 200, same: false }, { name: 'seed', one: 7, other: 7, same: true }],
      build: [],
      data: [{ name: 'rows', one: 10, other: 10, same: true }],
      metrics: [
        { name: 'auc', one: 0.7, other: 0.8123456, change: 0.1123456, intervals: { one: [0.69, 0.71], other: [0.8, null], apart: true } },
      ],
      features: { added: ['plans:hour'], removed: ['plans:day'], kept: [] },
      importance: [{ name: 'hour', one: null, other: 0.5, change: null }],
      notes: ['the holdouts differ'],
    },
  ]) // prettier-ignore
  const env = { REGISTRY_URL: registry.url }
  const { out } = await cascata(['compare', 'late/3', 'team/late/4'], { env })
  expect(out).toMatch(/rounds +100 +200\n/)
  expect(out).not.toContain('seed')
  expect(out).toMatch(/made with: the same[^]*data: the same/)
  expect(out).toMatch(/auc +0.7 \(0.69 to 0.71\) +0.81235 \(0.8 to –\) +0.11235 beyond chance/)
  expect(out).toMatch(/features: \+ plans:hour, - plans:day[^]*hour +– +0.5 +–[^]*the holdouts differ\n$/)
  expect(registry.asked[0]!.url).toBe(
    '/v1/comparison?namespace=default&model=late&version=3&otherNamespace=team&otherModel=late&otherVersion=4',
  )
})

it('shows the card of a version, or keeps it in a file as it is', async () => {
  const content = '# late/3\n\n\u001b]0;title\u0007text\n'
  const registry = await serving(() => [200, content])
  const env = { REGISTRY_URL: registry.url }
  expect((await cascata(['card', 'late/3'], { env })).out).toBe('# late/3\n\n\ufffd]0;title\ufffdtext\n')
  const kept = await cascata(['card', 'late/3', '--format', 'html', '-o', 'card.html'], { env, cwd: folder })
  expect(kept.out).toBe('the card is in card.html\n')
  expect(readFileSync(join(folder, 'card.html'), 'utf8')).toBe(content)
  expect(registry.asked.map(({ url }) => url)).toEqual([
    '/v1/cards/default/late/3?format=markdown',
    '/v1/cards/default/late/3?format=html',
  ])
})

it.each([
  ['delete', 'DELETE', ''],
  ['restore', 'POST', '/restore'],
  ['purge', 'POST', '/purge'],
])('%ss a version', async (word, method, end) => {
  const registry = await serving(() => [200, { version: '3' }])
  expect(await cascata(['version', word, 'late/3'], { env: { REGISTRY_URL: registry.url } })).toMatchObject({ code: 0 })
  expect(registry.asked[0]).toMatchObject({ method, url: `/v1/versions/default/late/3${end}` })
})

it('rejects a version for a reason', async () => {
  const registry = await serving(() => [200, { state: 'registered', run: null }])
  const { out } = await cascata(['reject', 'late/3', '--why', 'unfair', '--by', 'ada'], { env: { REGISTRY_URL: registry.url } })
  expect(out).toMatch(/a client registered it, so no gate has seen it\n[^]*late\/3 is rejected\n$/)
  expect(registry.asked[1]!.body).toBe('{"verdict":"rejected","by":"ada","why":"unfair"}')
})
