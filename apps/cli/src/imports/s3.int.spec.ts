import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Server, startS3 } from '@cascata/testing'
import { cascata } from '../test-shell.ts'
import { anImportStore, type Posted } from './an-import-store.ts'

const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none'
const csv = (flight: string) => `flight,publishedAt\n${flight},2001-01-14T00:00:00Z\n`
const objects = {
  'history/2001-01.csv': csv('F1'),
  'history/2001-02.csv': csv('F2'),
  'history/ä b+c.csv': csv('F3'),
  'history/2001-01.txt': 'nothing',
  'other/2001-03.csv': csv('F4'),
}

let s3: S3Server
let bucket: string
let settings: string
beforeAll(async () => {
  s3 = await startS3()
  const place = new URL(await s3.bucket())
  bucket = place.hostname
  settings = place.search
  for (const [key, body] of Object.entries(objects)) {
    const path = key.split('/').map(encodeURIComponent).join('/')
    expect((await fetch(`${s3.endpoint}/${bucket}/${path}`, { method: 'PUT', body, headers: { authorization } })).ok).toBe(true)
  }
}, 300_000)
afterAll(() => s3?.stop())

const importing = async (...keys: string[]) => {
  const store = await anImportStore(0, {})
  const sources = keys.map((key) => `s3://${bucket}/${key}${settings}`)
  const ran = await cascata(['import', 'flights', ...sources, '--json'], { env: { FEATURE_STORE_URL: store.url } })
  await store.close()
  const posted = store.asked.find(({ method }) => method === 'POST')
  const sent = store.asked.filter(({ method }) => method === 'PUT').map(({ body }) => body)
  return { ...ran, files: posted && (JSON.parse(posted.body) as Posted).files, sent }
}

describe('import from a bucket', () => {
  it('fetches the objects that a pattern means, and names them by their content', async () => {
    const { code, err, files, sent } = await importing('history/*.csv')
    expect([code, err]).toEqual([0, ''])
    expect(files).toEqual(
      ['history/2001-01.csv', 'history/2001-02.csv', 'history/ä b+c.csv'].map((key) => {
        const content = objects[key as keyof typeof objects]
        const sha256 = createHash('sha256').update(content).digest('hex')
        return { name: `s3://${bucket}/${key}`, format: 'csv', bytes: content.length, sha256 }
      }),
    )
    expect(sent.toSorted()).toEqual([csv('F1'), csv('F2'), csv('F3')])
  })

  it('fetches objects by their keys, of several sources', async () => {
    const { code, sent } = await importing('other/2001-03.csv', 'history/%C3%A4%20b+c.csv')
    expect([code, sent.toSorted()]).toEqual([0, [csv('F3'), csv('F4')]])
  })

  it.each([
    ['other/nothing.csv', 'CLI_SOURCE'],
    ['other/nothing*.csv', 'CLI_NO_FILE'],
    ['history/2001-01.*', 'CLI_USAGE'],
  ])('refuses %s before anything is sent', async (key, code) => {
    const ran = await importing(key)
    expect(JSON.parse(ran.err)).toMatchObject({ code })
    expect(ran.files).toBeUndefined()
  })
})
