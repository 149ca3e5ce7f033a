import { expect, it } from 'vitest'
import { type Version } from '../versions/version.ts'
import { decideDelete, decidePurge, decideRestore } from './decide-purge.ts'

const version = (more: Partial<Version> = {}) => ({ version: '3', deletedAt: null, purged: null, ...more }) as Version
const deleted = { deletedAt: '2001-01-14T00:00:00.000Z' }
const purged = { ...deleted, purged: { at: '2001-02-14T00:00:00.000Z', by: 'ada', modelSha256: null } }
const idle = { champion: '4', warm: [], split: [{ version: '4' }] }

it.each([
  ['champion', { ...idle, champion: '3' }],
  ['candidate', { ...idle, candidate: '3' }],
  ['shadow', { ...idle, shadow: '3' }],
  ['warm', { ...idle, warm: ['3'] }],
  ['part of the split', { ...idle, split: [{ version: '3' }, { version: '4' }] }],
])('neither deletes nor purges the %s', (_part, route) => {
  expect(decideDelete(version(), route)).toMatchObject({ is: 'refused' })
  expect(decidePurge(version(deleted), route)).toMatchObject({ is: 'refused' })
})

it('deletes, restores and purges in that order', () => {
  expect(decideDelete(version(), idle)).toEqual({ is: 'allowed' })
  expect(decideDelete(version(), undefined)).toEqual({ is: 'allowed' })
  expect(decideDelete(version(deleted), idle)).toEqual({ is: 'stands' })
  expect(decideRestore(version(deleted))).toEqual({ is: 'allowed' })
  expect(decideRestore(version())).toEqual({ is: 'stands' })
  expect(decidePurge(version(), idle)).toMatchObject({ is: 'refused', why: 'it is not deleted' })
  expect(decidePurge(version(deleted), idle)).toEqual({ is: 'allowed' })
  expect(decidePurge(version(purged), idle)).toEqual({ is: 'stands' })
  expect(decideRestore(version(purged))).toMatchObject({ is: 'refused' })
})
