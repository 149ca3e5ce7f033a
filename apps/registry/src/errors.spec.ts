import { readFile } from 'node:fs/promises'
import { errorSet, undocumentedErrors } from '@cascata/service'
import { expect, it } from 'vitest'
import * as errors from './errors.ts'

it('every coded error is in docs/errors.md', async () => {
  const doc = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  expect(undocumentedErrors(errorSet('registry', errors), doc)).toEqual([])
})
