import { readFileSync } from 'node:fs'
import { errorSet, undocumentedErrors } from '@cascata/service'
import { expect, it } from 'vitest'
import * as errors from './errors.ts'

it('lists every error in docs/errors.md', () => {
  const doc = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  expect(undocumentedErrors(errorSet('monitor', errors), doc)).toEqual([])
})
