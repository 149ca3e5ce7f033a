import { type CloudEvent, entityErased, eventOf } from '@cascata/events'
import { type Database, openDatabase, silent } from '@cascata/messaging'
import { backing, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onEntityErased } from './audit/on-entity-erased.ts'
import { auditedNamespaces, readAudit } from './audit/audit.store.ts'
import { consumers } from './consumers.ts'
import { migrations } from './migrations.ts'

let db: Database
beforeAll(async () => {
  db = await openDatabase({ url: backing().postgres, schema: uniqueName('registry'), migrations, log: silent, poolSize: 2 })
})
afterAll(async () => {
  await db?.query(`drop schema ${db.schema} cascade`)
  await db?.close()
})

const subscriptions = [...consumers({ producer: 'http://registry', kafka: 'broker:9092' }).byType.values()]
const examples = subscriptions.flatMap(({ definition, handle }) =>
  definition.examples.map((example, index) => ({ name: `${definition.type} ${index}`, definition, example, handle })),
)

describe('every example of every event that the registry listens to', () => {
  it.each(examples)('$name has an outcome, and the same one again', async ({ definition, example, handle }) => {
    const event: CloudEvent = eventOf(definition, example, {
      id: uniqueName('e'),
      time: '2001-01-14T00:00:00.000Z',
      app: definition.producers[0]!,
    })
    const handled = () => db.transaction((tx) => handle(event, tx))
    const first = await handled()
    expect(first).toMatchObject({ is: expect.stringMatching(/^(done|drop)$/) })
    expect(await handled()).toEqual(first)
  })
})

describe('the record of who did what', () => {
  const erased = (namespace: string) => {
    const example = { ...entityErased.examples[0]!, namespace }
    const about = { id: uniqueName('e'), time: '2001-01-14T00:00:00.000Z', app: 'feature-store' }
    return db.transaction((tx) => onEntityErased(eventOf(entityErased, example, about), tx))
  }

  it('tells who had an entity erased, when, and what still holds it, by the hash of its key', async () => {
    await erased('clinic')
    const [entry] = await readAudit(db, { namespaces: ['clinic'], action: 'entity.erased', limit: 10 })
    expect(entry).toMatchObject({ who: 'ops-ml', subject: 'FeatureView/clinic/flights' })
    expect(entry!.details).toEqual({
      erasure: 1,
      keySha256: 'a3f5'.repeat(16),
      erasedAt: '2001-01-14T00:00:00.000Z',
      deadline: '2001-01-15T00:00:00.000Z',
      datasets: ['d-0198f0b0'],
      versions: ['flight-delay/4'],
    })
  })

  it('fills a page with what its reader may see, however much of others is newer', async () => {
    await erased('first')
    for (let nth = 0; nth < 3; nth++) await erased('second')
    expect(await auditedNamespaces(db)).toEqual(expect.arrayContaining(['first', 'second']))
    const seen = await readAudit(db, { namespaces: ['first'], limit: 2 })
    expect(seen.map(({ namespace }) => namespace)).toEqual(['first'])
    expect(await readAudit(db, { namespaces: [], limit: 2 })).toEqual([])
  })
})

describe('every table', () => {
  it('has a primary key', async () => {
    const bare = await db.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relkind = 'r' and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
      [db.schema],
    )
    expect(bare).toEqual([])
  })

  it('of the record refuses to be changed', async () => {
    await db.query(`insert into audit (who, action, namespace, subject) values ('ada', 'looked', 'default', 'x')`)
    await expect(db.query(`update audit set who = 'eve'`)).rejects.toThrow('append-only')
    await expect(db.query('delete from audit')).rejects.toThrow('append-only')
  })
})
