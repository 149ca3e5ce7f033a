import { expect, it } from 'vitest'
import { checkedPath } from './validate-artifact-path.ts'

it.each([
  ['', ''],
  ['model/MLmodel', 'model/MLmodel'],
  ['model/', 'model'],
  ['a b/ü/100%.txt', 'a b/ü/100%.txt'],
  ['..hidden/...', '..hidden/...'],
])('%j is a path', (path, expected) => expect(checkedPath(path)).toBe(expected))

it.each([
  ['..'],
  ['../etc/passwd'],
  ['a/../../b'],
  ['a/./b'],
  ['/etc/passwd'],
  ['a//b'],
  ['%2e%2e/etc'],
  ['%252e%252e%252fetc'],
  ['..%2f..%2fetc'],
  ['..%5c..%5cwindows'],
  ['a\\b'],
  ['a\0b'],
  ['a%00b'],
  ['file:///etc/passwd'],
  ['http://localhost/x'],
  ['C:/windows'],
  ['x'.repeat(1_001)],
])('%j is refused', (path) => expect(() => checkedPath(path)).toThrow('Invalid path'))
