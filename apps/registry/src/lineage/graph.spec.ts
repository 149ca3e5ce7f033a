import { expect, it } from 'vitest'
import { type Version } from '../versions/version.ts'
import { type Chain, dotOf, graphOf } from './graph.ts'
import { type DatasetRecord, type RouteRecord, type TrainingRecord } from './lineage.store.ts'

const name = { namespace: 'default', model: 'delay' }
const dataset = {
  ...name,
  dataset: 'd-1',
  run: 'r-1',
  hash: 'aa',
  rows: 12,
  snapshot: [
    { view: 'flights', topic: 'flights', partition: 0, epoch: 1, to: 100 },
    { view: 'flights', topic: 'flights', partition: 1, epoch: 1, to: 90 },
  ],
} as unknown as DatasetRecord
const run = { ...name, run: 'r-1', revision: 3, trigger: 'drift' } as unknown as TrainingRecord
const version = { ...name, version: '4', state: 'approved', revision: 3 } as unknown as Version
const route = (said: object) =>
  ({ generation: 9, at: new Date(0), said: { champion: null, warm: [], split: [], ...said } }) as unknown as RouteRecord
const chain: Chain = {
  dataset,
  run,
  version,
  commit: 'abc',
  route: route({
    champion: '4',
    split: [
      { version: '4', from: 0, to: 9_000 },
      { version: '3', from: 9_000, to: 10_000 },
    ],
  }),
}

it('leads from offsets to predictions', () => {
  const { nodes, edges } = graphOf([chain])
  expect(nodes.map(({ id }) => id)).toEqual([
    'offsets:flights/0@1<100',
    'offsets:flights/1@1<90',
    'dataset:d-1',
    'run:r-1',
    'version:default/delay/4',
    'route:default/delay',
    'predictions:default/delay/4',
    'resource:Model/default/delay@3',
  ])
  expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'offsets:flights/0@1<100 dataset:d-1',
    'offsets:flights/1@1<90 dataset:d-1',
    'dataset:d-1 run:r-1',
    'run:r-1 version:default/delay/4',
    'version:default/delay/4 route:default/delay',
    'route:default/delay predictions:default/delay/4',
    'resource:Model/default/delay@3 run:r-1',
  ])
  expect(nodes.find(({ kind }) => kind === 'predictions')?.details).toMatchObject({ role: 'champion', share: 0.9 })
})

it('ends where nothing serves, and begins where a client began', () => {
  expect(graphOf([{ ...chain, route: route({ champion: '3' }) }]).nodes.map(({ kind }) => kind)).not.toContain('route')
  const client = { version: { ...version, revision: null } as Version, clientRun: 'm1', inputs: [{ name: 'rows', digest: 'bb' }] }
  expect(graphOf([client]).edges).toEqual([
    { from: 'dataset:rows#bb', to: 'run:m1' },
    { from: 'run:m1', to: 'version:default/delay/4' },
  ])
})

it('holds once what chains share', () => {
  const other = { ...version, version: '5' } as Version
  const { nodes, edges } = graphOf([chain, { ...chain, version: other, route: undefined }])
  expect(nodes.filter(({ kind }) => kind === 'version')).toHaveLength(2)
  expect(nodes.filter(({ kind }) => kind === 'dataset')).toHaveLength(1)
  expect(edges.filter(({ to }) => to === 'dataset:d-1')).toHaveLength(2)
})

it('is drawn by Graphviz whatever names hold', () => {
  const dot = dotOf({
    nodes: [{ id: 'a"\\', kind: 'run', label: 'x"];\nevil', details: {} }],
    edges: [{ from: 'a"\\', to: 'a"\\' }],
  })
  expect(dot).toBe(
    'digraph lineage {\n  rankdir=LR\n  "a\\"\\\\" [label="x\\"]; evil", shape=box]\n  "a\\"\\\\" -> "a\\"\\\\"\n}\n',
  )
})
