import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, testHome, uniqueName } from '@cascata/testing'
import { afterEach, expect, it } from 'vitest'
import { type Duck, openDuck, rowsOf } from './duckdb.ts'

let duck: Duck
afterEach(() => duck.close())

async function open(standsBy: number) {
  const folder = join(testHome(), uniqueName('duck'))
  mkdirSync(folder, { recursive: true })
  duck = await openDuck({ folder, name: 'test', memory: 64 * 1024 ** 2, threads: 1, standsBy })
}

/** Tables of the engine's memory: those of another time are not there. */
async function tables(): Promise<string[]> {
  const connection = await duck.connect()
  try {
    return (await rowsOf<{ name: string }>(connection, 'select table_name as name from duckdb_tables()')).map(({ name }) => name)
  } finally {
    connection.closeSync()
  }
}

it('ends when nobody was connected for a while, and begins again with who comes', async () => {
  await open(0)
  const connection = await duck.connect()
  await connection.run('create table kept as select 1')
  const [one, other] = await Promise.all([tables(), tables()])
  expect([one, other, await tables()]).toEqual([['kept'], ['kept'], ['kept']])
  connection.closeSync()
  connection.closeSync()
  await eventually(async () => expect(await tables()).toEqual([]))
  const again = await duck.connect()
  await expect(again.run(`select * from read_csv('/etc/passwd')`)).rejects.toThrow(/permission|disabled/i)
  again.closeSync()
})

it('stands by for who comes soon', async () => {
  await open(60_000)
  const connection = await duck.connect()
  await connection.run('create table kept as select 1')
  connection.closeSync()
  expect(await tables()).toEqual(['kept'])
})

it('takes nobody when it is closed', async () => {
  await open(0)
  duck.close()
  await expect(duck.connect()).rejects.toThrow('closed')
})
