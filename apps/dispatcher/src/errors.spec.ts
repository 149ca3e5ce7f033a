import { errorSet, undocumentedErrors } from '@cascata/service'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as errors from './errors.ts'

it('every error has a line in docs/errors.md', () => {
  const doc = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8')
  expect(undocumentedErrors(errorSet('dispatcher', errors), doc)).toEqual([])
})
