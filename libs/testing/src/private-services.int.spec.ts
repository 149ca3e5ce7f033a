import { join } from 'node:path'
import pg from 'pg'
import { expect, it } from 'vitest'
import { askForBrokers, isAlive, refOf } from '@cascata/infra'
import { backing } from './backing-urls.ts'
import { startIn, startPrivateKafka, startPrivatePostgres } from './private-services.ts'
import { sweep, testHome } from './test-home.ts'
import { uniqueName } from './unique-name.ts'

const rows = async (url: string, sql: string) => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

it('gives the run its backing services', async () => {
  const [host, port] = backing().kafka.split(':')
  await askForBrokers(host!, Number(port))
  expect(await rows(backing().postgres, 'select current_database() as name')).toEqual([{ name: expect.any(String) }])
})

it('keeps what a private database committed over kill -9, on the same address', async () => {
  const postgres = await startPrivatePostgres()
  await rows(postgres.url, 'create table kept(n int)')
  await rows(postgres.url, 'insert into kept values (1)')
  const before = postgres.pid
  await postgres.kill()
  await expect(rows(postgres.url, 'select 1')).rejects.toThrow()
  await postgres.restart()
  expect(postgres.pid).not.toBe(before)
  expect(await rows(postgres.url, 'select n from kept')).toEqual([{ n: 1 }])
  await postgres.stop()
})

it('brings a private broker back after kill -9', async () => {
  const kafka = await startPrivateKafka()
  const port = Number(kafka.url.split(':')[1])
  await kafka.kill()
  await expect(askForBrokers('127.0.0.1', port)).rejects.toThrow()
  await kafka.restart()
  await askForBrokers('127.0.0.1', port)
  await kafka.stop()
})

it('ends with the folder of the run what works in it, whatever its environment says by then', async () => {
  const home = join(testHome(), uniqueName('swept'))
  const redis = await startIn(home, 'redis')
  const ref = refOf(redis.pid)!
  await sweep(home)
  expect(isAlive(ref)).toBe(false)
})
