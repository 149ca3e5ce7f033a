import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { cascata } from '../test-shell.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cascata-tokens-'))
  file = join(folder, 'tokens.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const token = (...argv: string[]) => cascata(['token', ...argv], { env: { CASCATA_TOKENS_FILE: file } })
const kept = () => JSON.parse(readFileSync(file, 'utf8')) as { tokens: Record<string, unknown>[] }

it('creates a token that is shown once and kept as a hash alone', async () => {
  const { code, out } = await token('create', 'ci', '--role', 'publisher', '--in', 'team-a', 'team-b*')
  expect(code).toBe(0)
  expect(out).toMatch(/^csc_[\w-]{43}\n$/)
  const sha256 = createHash('sha256').update(out.trim()).digest('hex')
  expect(kept()).toEqual({
    tokens: [{ name: 'ci', role: 'publisher', namespaces: ['team-a', 'team-b*'], resources: ['*'], sha256 }],
  })
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

it('lists names without hashes, and revokes one', async () => {
  await token('create', 'ci', '--role', 'publisher')
  const ada = JSON.parse((await token('create', 'ada', '--role', 'admin', '--json')).out)
  expect(ada).toMatchObject({ token: expect.stringMatching(/^csc_/), name: 'ada', file })
  expect(ada).not.toHaveProperty('sha256')
  const listed = JSON.parse((await token('list', '--json')).out)
  expect(listed).toEqual([
    { name: 'ci', role: 'publisher', namespaces: ['*'], resources: ['*'] },
    { name: 'ada', role: 'admin', namespaces: ['*'], resources: ['*'] },
  ])
  expect((await token('revoke', 'ci')).code).toBe(0)
  expect(kept().tokens.map(({ name }) => name)).toEqual(['ada'])
})

it('leaves the file as it is when something is wrong', async () => {
  await token('create', 'ci', '--role', 'publisher')
  const before = readFileSync(file, 'utf8')
  expect(await token('create', 'ci', '--role', 'viewer')).toMatchObject({
    code: 1,
    err: expect.stringContaining('has a token ci already'),
  })
  expect(await token('create', 'x', '--role', 'viewer', '--in', '../etc')).toMatchObject({
    code: 1,
    err: expect.stringContaining('namespaces.0'),
  })
  expect(await token('revoke', 'nobody')).toMatchObject({ code: 1, err: expect.stringContaining('has no token nobody') })
  expect(await token('create', 'x', '--role', 'king')).toMatchObject({ code: 2 })
  expect(await cascata(['token', 'list'])).toMatchObject({ code: 2, err: expect.stringContaining('CASCATA_TOKENS_FILE') })
  writeFileSync(`${file}.new`, '')
  expect(await token('create', 'y', '--role', 'viewer')).toMatchObject({
    code: 1,
    err: expect.stringContaining('tokens.json.new is there'),
  })
  expect(readFileSync(file, 'utf8')).toBe(before)
  rmSync(`${file}.new`)
  writeFileSync(file, 'not json')
  expect((await token('create', 'y', '--role', 'viewer')).code).toBe(1)
  expect(existsSync(`${file}.new`)).toBe(false)
})
