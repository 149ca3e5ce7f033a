import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { defineError } from './errors.ts'
import { errorSet, generateErrorsDoc, undocumentedErrors } from './errors-doc.ts'
import { serviceErrors } from './service-errors.ts'

const behind = defineError<{ view: string; rows: string[] }>({
  code: 'T_BEHIND',
  status: 503,
  retry: true,
  message: ({ view }) => `View ${view} | is behind.`,
  hint: ({ rows }) => `Wait for ${rows.join()}.`,
})

it('documents codes, words with their details, and whether a retry helps', () => {
  const set = errorSet('trial', { behind, other: 1 })
  const doc = generateErrorsDoc([set])
  expect(doc).toContain('| `T_BEHIND` | 503 | yes | View {view} \\| is behind. | (depends on the details) |')
  expect(undocumentedErrors(set, doc)).toEqual([])
  expect(undocumentedErrors(set, '# Errors')).toEqual(['T_BEHIND'])
})

it('refuses a code twice, and what is no code', () => {
  expect(() => errorSet('trial', { a: behind, b: behind })).toThrow('T_BEHIND twice')
  expect(() => defineError({ code: 'oops', status: 500, retry: false, message: '', hint: '' })).toThrow('no error code')
})

it('every error that any app can answer is in docs/errors.md', async () => {
  expect(undocumentedErrors(serviceErrors, await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8'))).toEqual(
    [],
  )
})
