import { createHash } from 'node:crypto'
import { type Database, openDatabase, silent } from '@cascata/messaging'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BlobStore, openBlobStore } from '../blobs/blob-store.ts'
import { collectBlobs } from '../blobs/collect-blobs.ts'
import { startForTest } from '../start-for-test.ts'
import { purgeDeleted } from './purge.store.ts'

const schema = uniqueName('registry')
const day = 86_400_000
let registry: Awaited<ReturnType<typeof startForTest>>
let db: Database
let blobs: BlobStore
beforeAll(async () => {
  registry = await startForTest({ REGISTRY_DATABASE_SCHEMA: schema })
  db = await openDatabase({ url: backing().postgres, schema, log: silent, poolSize: 3 })
  blobs = await openBlobStore(registry.settings.data, 1e6)
})
afterAll(async () => {
  await db?.close()
  await registry?.stop()
})

const upload = async (content: string): Promise<string> =>
  (await registry.call('PUT', '/v1/blobs', Buffer.from(content))).body.sha256
const register = async (model: string, modelSha256: string) =>
  (await registry.call('POST', '/v1/versions', { model, run: uniqueName('r'), modelSha256, revision: 1 })).body
const collect = (now: number) => collectBlobs({ db, blobs, graceMs: 7 * day }, now)
const status = async (sha256: string) => (await registry.call('GET', `/v1/blobs/${sha256}`)).status
const mlflow = async (path: string, body: object) => (await registry.call('POST', `/api/2.0/mlflow/${path}`, body)).body

it('collects blobs that nothing refers to, after the grace period, and strays that no row names', async () => {
  const [used, unused] = [await upload('used'), await upload('unused')]
  await register('collected', used)
  const stray = (await blobs.put([Buffer.from('stray')])).sha256
  expect(await collect(Date.now() + 6 * day)).toBe(0)
  expect(await collect(Date.now() + 8 * day)).toBe(2)
  expect(await Promise.all([used, unused, stray].map(status))).toEqual([200, 404, 404])
  expect(await upload('unused')).toBe(unused)
  expect(await status(unused)).toBe(200)
})

it('starts the grace period of a blob anew when it is uploaded again', async () => {
  const again = await upload('again')
  await db.query(`update blob set created_at = now() - interval '30 days' where sha256 = $1`, [again])
  await upload('again')
  await collect(Date.now())
  expect(await status(again)).toBe(200)
})

it('keeps what uploads and collections that meet agree on: an accepted blob is there', { timeout: 60_000 }, async () => {
  const content = Array.from({ length: 8 }, (_, nth) => `meeting ${nth}`)
  for (let round = 0; round < 5; round += 1) {
    const [, ...answers] = await Promise.all([
      collect(Date.now() + 8 * day),
      ...content.map((each) => registry.call('PUT', '/v1/blobs', Buffer.from(each))),
    ])
    const kept = answers.filter((answer) => answer.status === 200)
    const rows = await db.query<{ sha256: string }>('select sha256 from blob where sha256 = any($1)', [
      content.map((each) => createHash('sha256').update(each).digest('hex')),
    ])
    for (const { sha256 } of rows) expect(await blobs.holds(sha256)).toBe(true)
    expect(
      kept.length + answers.filter((answer) => answer.status === 400 && answer.body.code === 'REG_UPLOAD_BROKEN').length,
    ).toBe(8)
  }
})

it('names every column that holds a blob where the collector looks', async () => {
  const columns = await db.query<{ place: string }>(
    `select table_name || '.' || column_name as place from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where table_schema = $1 and table_type = 'BASE TABLE' and column_name like '%sha256' and table_name <> 'blob' order by 1`,
    [schema],
  )
  const [view] = await db.query<{ text: string }>(`select pg_get_viewdef('referenced_blob'::regclass) as text`)
  for (const { place } of columns) {
    const [table, column] = place.split('.') as [string, string]
    expect(view!.text, place).toMatch(
      new RegExp(`${table}\\.${column}|SELECT ${column}\\s+FROM ${table}|${column} AS sha256\\s+FROM ${table}`, 'i'),
    )
  }
})

it('deletes a version for a while, restores it, and purges only its files', async () => {
  const { version } = await register('retained', await upload('retained model'))
  const path = `/v1/versions/default/retained/${version}`
  expect(await registry.call('POST', `${path}/purge`)).toMatchObject({ status: 409, body: { code: 'REG_VERSION_KEPT' } })
  expect((await registry.call('DELETE', path)).body.deletedAt).toEqual(expect.any(String))
  expect((await registry.call('POST', `${path}/restore`)).body.deletedAt).toBeNull()
  await db.query(`insert into route (namespace, model, generation, at, said) values ('default', 'retained', 1, now(), $1)`, [
    JSON.stringify({ champion: version, warm: [], split: [] }),
  ])
  expect(await registry.call('DELETE', path)).toMatchObject({ status: 409, body: { code: 'REG_VERSION_KEPT' } })
  await db.query(`update route set said = '{"champion": null, "warm": [], "split": []}' where model = 'retained'`)
  await registry.call('DELETE', path)
  const { body } = await registry.call('POST', `${path}/purge`)
  expect(body).toMatchObject({
    modelSha256: null,
    purged: { by: expect.any(String), modelSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  })
  expect(await registry.call('POST', `${path}/restore`)).toMatchObject({ status: 409 })
  await collect(Date.now() + 8 * day)
  expect(await status(body.purged.modelSha256)).toBe(404)
  const audit = (await registry.call('GET', `/v1/audit?subject=default/retained/${version}`)).body.map(
    (entry: any) => entry.action,
  )
  expect(audit).toEqual(['version.purged', 'version.deleted', 'version.restored', 'version.deleted', 'version.registered'])
})

it('removes deleted runs when their time is over, with their artifacts, and never one that a version rests on', async () => {
  const { experiment_id } = await mlflow('experiments/create', { name: uniqueName('purged') })
  const run = async () => (await mlflow('runs/create', { experiment_id })).run.info.run_id as string
  const [gone, kept, young] = [await run(), await run(), await run()]
  await registry.call('PUT', `/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${gone}/artifacts/a.txt`, Buffer.from('a'))
  await db.query(
    `insert into model_version (namespace, model, version, origin, run, creation_time, last_updated_time) values ('default', 'of-run', 1, 'client', $1, 0, 0)`,
    [kept],
  )
  for (const run_id of [gone, kept, young]) await mlflow('runs/delete', { run_id })
  await mlflow('runs/restore', { run_id: young })
  expect(await purgeDeleted(db, new Date(Date.now() - day))).toBe(0)
  expect(await purgeDeleted(db, new Date(Date.now() + day))).toBe(1)
  const left = await db.query<{ run_id: string }>('select run_id from run where experiment_id = $1', [experiment_id])
  expect(left.map(({ run_id }) => run_id).toSorted()).toEqual([kept, young].toSorted())
  expect(await db.query('select 1 from artifact where starts_with(path, $1)', [`${experiment_id}/${gone}/`])).toEqual([])
  await mlflow('experiments/delete', { experiment_id })
  await purgeDeleted(db, new Date(Date.now() + day))
  await eventually(async () => expect((await registry.call('GET', `/v1/audit?subject=run/${gone}`)).body).toHaveLength(1))
})
