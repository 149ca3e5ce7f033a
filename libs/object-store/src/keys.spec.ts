import { expect, it } from 'vitest'
import { anyKeys, checkedKey, checkedPrefix, contentKey, hashOfKey } from './keys.ts'
import { placeOf } from './place.ts'

const sha256 = 'ab'.repeat(32)

it('names content by its hash, and nothing else', () => {
  expect(contentKey(sha256)).toBe(`ab/${sha256}`)
  expect(hashOfKey(`ab/${sha256}`)).toBe(sha256)
  expect(hashOfKey(`ac/${sha256}`)).toBeUndefined()
  for (const wrong of ['', 'AB'.repeat(32), `${sha256}0`, '../../etc/passwd']) expect(() => contentKey(wrong)).toThrow('SHA-256')
})

it.each(['a', '7/x.parquet', 'day=2026-01-01/part-0.parquet', '_tmp/1', 'a/b..c'])('takes %s as a key', (key) => {
  expect(checkedKey(key)).toBe(key)
})

it.each([
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  'a/../b',
  'a/.hidden',
  'a\\b',
  'a\0b',
  'a b',
  'ä',
  '%2e%2e',
  '-a',
  'incoming/x',
  'a'.repeat(401),
])('refuses %j as a key', (key) => expect(() => checkedKey(key)).toThrow('is no key'))

it('takes a key with or without a slash as a prefix, and nothing for all', () => {
  for (const prefix of ['', 'a', 'a/', 'a/b']) expect(checkedPrefix(prefix)).toBe(prefix)
  for (const prefix of ['/', '../', 'a//']) expect(() => checkedPrefix(prefix)).toThrow('is no key')
})

it('reads where a store is', () => {
  expect(placeOf('/var/blobs')).toEqual({ kind: 'directory', folder: '/var/blobs' })
  expect(placeOf('file:///var/blobs')).toEqual({ kind: 'directory', folder: '/var/blobs' })
  expect(placeOf('s3://models')).toEqual({ kind: 'bucket', bucket: 'models', prefix: '' })
  expect(placeOf('s3://models/a/b/?endpoint=http://minio:9000&region=eu-west-1')).toEqual({
    kind: 'bucket',
    bucket: 'models',
    prefix: 'a/b/',
    endpoint: 'http://minio:9000',
    region: 'eu-west-1',
  })
  for (const wrong of ['s3:', 's3:///x', 's3://key:secret@models', 's3://models?acl=public'])
    expect(() => placeOf(wrong)).toThrow('Expected a folder')
})

it('takes any text for a key of a bucket of others, up to what S3 takes', () => {
  for (const key of ['ä b+c', '/a//b/', '.hidden', '..', 'a\\b']) expect(anyKeys.key(key)).toBe(key)
  expect(anyKeys.prefix('')).toBe('')
  for (const key of ['', 'ä'.repeat(513)]) expect(() => anyKeys.key(key)).toThrow('key')
})
