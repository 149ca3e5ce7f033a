import { expect, it } from 'vitest'
import { oracleOf } from './oracle.ts'

interface Item {
  id: string
  key: string
}
const item = (id: string, key = 'k'): Item => ({ id, key })
const oracle = () => {
  const made = oracleOf<Item>({ id: (it) => it.id, key: (it) => it.key })
  made.publish(item('a'), item('b'), item('c', 'other'))
  return made
}

it('is content with everything once, keys in order', () => {
  expect(oracle().compare([item('c', 'other'), item('a'), item('b')])).toEqual({
    published: 3,
    seen: 3,
    missing: [],
    twice: [],
    strange: [],
    outOfOrder: [],
  })
})

it('tells what is missing, twice, strange and out of order', () => {
  const told = oracle().compare([item('b'), item('a'), item('a'), item('x')])
  expect(told.missing.map((it) => it.id)).toEqual(['c'])
  expect(told.twice.map((it) => it.id)).toEqual(['a'])
  expect(told.strange.map((it) => it.id)).toEqual(['x'])
  expect(told.outOfOrder.map((it) => it.id)).toEqual(['a'])
})
