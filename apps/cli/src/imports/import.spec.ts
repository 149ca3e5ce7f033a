import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cascata } from '../test-shell.ts'
import { anImportStore } from './an-import-store.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const csv = 'flight,publishedAt\nF1,2001-01-14T00:00:00Z\n'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'import-'))
})
afterEach(() => rm(cwd, { recursive: true, force: true }))

const run = async (args: string[], { received = 0, end = {} }: { received?: number; end?: object } = {}) => {
  const server = await anImportStore(received, end)
  try {
    return { ...(await cascata(args, { cwd, env: { FEATURE_STORE_URL: server.url } })), asked: server.asked }
  } finally {
    await server.close()
  }
}

describe('import', () => {
  it('names the files of a glob by their content and sends them', async () => {
    await writeFile(join(cwd, 'b.csv'), csv)
    await writeFile(join(cwd, 'a.csv'), `${csv}F2,2001-01-14T00:00:00Z\n`)
    const { code, out, err, asked } = await run(['import', 'team/flights', '*.csv', '--max-rejects', '7'])
    expect(code).toBe(0)
    expect(JSON.parse(asked[0]!.body)).toMatchObject({
      namespace: 'team',
      view: 'flights',
      maxRejects: 7,
      files: [
        { name: 'a.csv', format: 'csv' },
        { name: 'b.csv', sha256: sha256(csv), bytes: csv.length },
      ],
    })
    expect(asked.slice(1, 3).map(({ method, url }) => `${method} ${url}`)).toEqual([
      `PUT /v1/imports/i1/files/${sha256(`${csv}F2,2001-01-14T00:00:00Z\n`)}?offset=0`,
      `PUT /v1/imports/i1/files/${sha256(csv)}?offset=0`,
    ])
    expect(asked[2]!.body).toBe(csv)
    expect(out).toContain('done')
    expect(err).toContain('sending 100%')
  })

  it('sends only what is not there yet', async () => {
    await writeFile(join(cwd, 'a.csv'), csv)
    const { asked } = await run(['import', 'flights', 'a.csv'], { received: 10 })
    expect(asked[1]).toMatchObject({ url: `/v1/imports/i1/files/${sha256(csv)}?offset=10`, body: csv.slice(10) })
  })

  it('lists refused rows by file and row, and fails with the import', async () => {
    await writeFile(join(cwd, 'a.ndjson'), '{}\n')
    const end = {
      state: 'failed',
      rejected: 30,
      error: { code: 'FS_IMPORT_REJECTED', message: 'too many' },
      rejects: [{ file: 'a.ndjson', row: 1, code: 'MISSING_FIELD', field: 'flight' }],
    }
    const { code, out } = await run(['import', 'flights', 'a.ndjson'], { end })
    expect(code).toBe(1)
    expect(out).toContain('a.ndjson:1 MISSING_FIELD, flight')
    expect(out).toContain('… and 29 more')
    const json = await run(['import', 'flights', 'a.ndjson', '--json'], { end })
    expect(JSON.parse(json.out)).toMatchObject(end)
    expect(json.err).toBe('')
  })

  it.each([
    [['import', 'flights', 'a.txt'], 2, 'CLI_USAGE'],
    [['import', 'flights', 'none.csv'], 1, 'CLI_NO_FILE'],
    [['import', 'flights', '.'], 2, 'CLI_USAGE'],
    [['import', 'flights', 'empty.csv'], 1, 'CLI_EMPTY_FILE'],
    [['import', 'flights', 'a.txt', '--max-rejects', 'many'], 2, 'CLI_USAGE'],
    [['import', 'flights', 's3://bucket/../etc/x.csv?unknown=1'], 1, 'CLI_SOURCE'],
  ])('refuses %j', async (args, code, name) => {
    await writeFile(join(cwd, 'a.txt'), 'x')
    await writeFile(join(cwd, 'empty.csv'), '')
    const ran = await run([...args, '--json'])
    expect(ran.code).toBe(code)
    expect(JSON.parse(ran.err)).toMatchObject({ code: name })
  })
})
