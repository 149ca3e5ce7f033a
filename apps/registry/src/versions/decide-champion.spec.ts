import { expect, it } from 'vitest'
import { type ChampionDecision, decideChampion, type RouteSeen } from './decide-champion.ts'

const route: RouteSeen = {
  serving: '3',
  rollout: { version: '4', state: 'step' },
  waiting: { version: '5' },
  versions: [
    { version: '1', standing: 'rejected' },
    { version: '2', standing: 'served' },
    { version: '3', standing: 'served' },
    { version: '4', standing: 'approved' },
    { version: '5', standing: 'approved' },
    { version: '6', standing: 'rolledback' },
  ],
}

it.each<[string, ChampionDecision]>([
  ['1', { is: 'refused', why: 'not approved' }],
  ['2', { is: 'rollback' }],
  ['3', { is: 'stands' }],
  ['4', { is: 'promote' }],
  ['5', { is: 'refused', why: 'waits' }],
  ['6', { is: 'rollback' }],
  ['7', { is: 'refused', why: 'not approved' }],
])('makes version %s the champion', (version, decision) => expect(decideChampion(route, version)).toEqual(decision))

it('refuses a version of a model that the deployer does not know', () =>
  expect(decideChampion(null, '1')).toEqual({ is: 'refused', why: 'not approved' }))
