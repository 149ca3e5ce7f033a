import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { generation, name, revision } from './pieces.ts'
import { specs } from './topics.ts'

const kind = z.enum(['FeatureView', 'Model'])

/** Where the revision comes from: the git commit that was applied, null when none was given. */
const commit = z.string().max(200).nullable()

const keyOfResource = (data: { kind: string; namespace: string; name: string }): string =>
  `${data.kind}/${data.namespace}/${data.name}`

/** The payload is the normalised document itself (`apiVersion kind metadata spec`), with the identity of its revision beside it. */
export const resourceApplied = defineEvent({
  name: 'resource.applied',
  version: 1,
  topic: specs,
  producer: 'registry',
  consumers: ['feature-store', 'dispatcher', 'deployer', 'inference', 'monitor'],
  meaning: 'A resource was created or changed; this is its newest revision, with every default filled in.',
  key: keyOfResource,
  data: z.object({
    apiVersion: z.literal('cascata/v1'),
    kind,
    namespace: name,
    name,
    revision,
    generation,
    commit,
    metadata: z.object({ name, namespace: name }),
    spec: z.record(z.string(), z.unknown()),
  }),
  examples: [
    {
      apiVersion: 'cascata/v1',
      kind: 'FeatureView',
      namespace: 'default',
      name: 'flights',
      revision: 1,
      generation: 1,
      commit: '9f2c1d7e',
      metadata: { name: 'flights', namespace: 'default' },
      spec: { source: { topic: 'flights', format: 'json', partitions: 4 }, entity: ['flight'] },
    },
    {
      apiVersion: 'cascata/v1',
      kind: 'Model',
      namespace: 'default',
      name: 'flight-delay',
      revision: 3,
      generation: 3,
      commit: null,
      metadata: { name: 'flight-delay', namespace: 'default' },
      spec: { task: 'binary', observations: { view: 'flights', at: 'departsAt', lead: 7_200_000 } },
    },
  ],
})

/** A value and no tombstone: its generation keeps a late, older value from bringing the resource back. */
export const resourceDeleted = defineEvent({
  name: 'resource.deleted',
  version: 1,
  topic: specs,
  producer: 'registry',
  consumers: ['feature-store', 'dispatcher', 'deployer', 'inference', 'monitor'],
  meaning: 'A resource was deleted. Its revisions and versions stay on record.',
  key: keyOfResource,
  data: z.object({ kind, namespace: name, name, revision, generation, commit }),
  examples: [{ kind: 'Model', namespace: 'default', name: 'flight-delay', revision: 3, generation: 4, commit: null }],
})
