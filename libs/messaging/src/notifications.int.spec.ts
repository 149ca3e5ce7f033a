import { afterAll, beforeAll, expect, it } from 'vitest'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { type Database, openDatabase } from './database.ts'
import { silent } from './log.ts'
import { notifications, ringAfter } from './notifications.ts'

let db: Database

beforeAll(async () => {
  const schema = uniqueName('rung').replaceAll('-', '_').toLowerCase()
  db = await openDatabase({ url: backing().postgres, schema, log: silent })
})
afterAll(() => db?.close())

const listeners = () =>
  db.query<{ pid: number }>(`select pid from pg_stat_activity where application_name = $1 and query like 'listen%'`, [db.schema])

it('rings when a transaction is committed, not before, and again after its connection was lost', async () => {
  let rings = 0
  const listening = notifications({ db, log: silent }, 'bells', () => void rings++)
  await eventually(() => expect(rings).toBe(1))

  await db.transaction(async (tx) => {
    await ringAfter(tx, 'bells')
    await db.query('select 1')
    expect(rings).toBe(1)
  })
  await eventually(() => expect(rings).toBe(2))
  await expect(
    db.transaction(async (tx) => {
      await ringAfter(tx, 'bells')
      throw new Error('rolled back')
    }),
  ).rejects.toThrow('rolled back')

  const [before] = await listeners()
  await db.query('select pg_terminate_backend($1)', [before!.pid])
  await eventually(() => expect(rings).toBe(3))
  await ringAfter(db, 'bells')
  await eventually(() => expect(rings).toBe(4))

  await listening.stop()
  await eventually(async () => expect(await listeners()).toEqual([]))
})
