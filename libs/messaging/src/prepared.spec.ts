import { expect, it } from 'vitest'
import { statementNames } from './prepared.ts'

it('names what is used again, and always the same', () => {
  const nameOf = statementNames()
  expect(nameOf('select a from t where b = $1')).toBeUndefined()
  expect(nameOf('select c from t where b = $1')).toBeUndefined()
  const name = nameOf('select a from t where b = $1')
  expect(name).toBeDefined()
  expect(nameOf('select a from t where b = $1')).toBe(name)
  expect(nameOf('select c from t where b = $1')).not.toBe(name)
})

it('names nothing whose columns are those of the table, nor more than a connection should keep', () => {
  const nameOf = statementNames()
  const twice = (sql: string) => (nameOf(sql), nameOf(sql))
  expect(twice('select * from t where b = $1')).toBeUndefined()
  expect(twice('update t set a = $1 returning t.*')).toBeUndefined()
  expect(twice('select count(*) from t where b = $1')).toBeDefined()
  const names = Array.from({ length: 1_000 }, (_, i) => twice(`select ${i} from t where b = $1`)).filter(Boolean)
  expect(names.length).toBeLessThan(250)
})
