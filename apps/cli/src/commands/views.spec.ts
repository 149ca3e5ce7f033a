import { expect, it } from 'vitest'
import { cascata, service } from '../test-shell.ts'

it.each([
  [[], 'earliest'],
  [['--from', '2001-01-14T09:30:00Z'], '2001-01-14T09:30:00Z'],
  [['--from', '0:4711,1:250'], { 0: 4711, 1: 250 }],
])('replays a view with %j', async (more, from) => {
  const store = await service(() => [200, { partitions: [] }])
  const ran = await cascata(['view', 'replay', 'team/plans', ...more], { env: { FEATURE_STORE_URL: store.url } })
  expect(ran).toMatchObject({ code: 0, err: '', out: expect.stringContaining('cascata get view team/plans') })
  expect(store.asked[0]).toMatchObject({ method: 'POST', url: '/v1/views/team/plans/replay' })
  expect(JSON.parse(store.asked[0]!.body)).toEqual({ from })
  await store.close()
})

it.each(['yesterday', '2001-01-14', '2001-01-14T09:30:00', '0:', '0:1,x:2'])('does not take %s for a place', async (from) => {
  const ran = await cascata(['view', 'replay', 'plans', '--from', from])
  expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(`${from} is no place of a topic`) })
})
