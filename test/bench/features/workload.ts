import { eventually } from '@cascata/testing'
import { applyResources, type Apps } from '../apps.ts'

/** Feast's own workload: 25 views of 10 integers, 10,000 entities. */
export const views = 25
export const fieldsPerView = 10
export const entities = 10_000

export const viewName = (view: number): string => `wide${view}`

const yaml = (view: number) => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${viewName(view)}}
spec:
  source: {topic: bench-${viewName(view)}, partitions: 1}
  entity: [id]
  eventTime: {field: at}
  ttl: none
  fields: {id: int, at: timestamp, ${Array.from({ length: fieldsPerView }, (_, field) => `${fieldName(view, field)}: int`).join(', ')}}
`

const fieldName = (view: number, field: number): string => `f${view * fieldsPerView + field}`

/** The value of a feature: up to a million, as different as real ones. */
export const valueOf = (view: number, field: number, id: number): number =>
  (id * 7_919 + view * 104_729 + field * 1_299_709) % 1_000_003

/** Applies the views, publishes a row for each entity, and waits until all can be looked up. */
export async function fill(apps: Apps, say: (line: string) => void): Promise<void> {
  await applyResources(apps, Array.from({ length: views }, (_, view) => yaml(view)).join('---'))
  const at = new Date().toISOString()
  for (let view = 0; view < views; view += 1) {
    for (let from = 0; from < entities; from += 5_000) {
      const messages = Array.from({ length: 5_000 }, (_, index) => {
        const id = from + index
        const fields = Array.from({ length: fieldsPerView }, (_, field) => [fieldName(view, field), valueOf(view, field, id)])
        return { key: String(id), value: JSON.stringify({ id, at, ...Object.fromEntries(fields) }), partition: 0 }
      })
      await apps.producer.send({ topic: `bench-${viewName(view)}`, messages })
    }
  }
  const store = apps.client('feature-store')
  for (let view = 0; view < views; view += 1) {
    await eventually(
      async () => {
        const { rows } = await store.get<{ rows: { accepted: number } }>(`/v1/views/default/${viewName(view)}`)
        if (rows.accepted < entities) throw new Error(`${rows.accepted} of ${entities} rows of ${viewName(view)} are readable`)
      },
      { timeout: 120_000, interval: 100 },
    )
  }
  const body: unknown = JSON.parse(bodiesOf(views * fieldsPerView, 1)[0]!)
  await eventually(() => store.post('/v1/features', body), { timeout: 60_000, interval: 100 })
  say(`${views * entities} rows are readable`)
}

/** Bodies of requests for the first `features` features of `count` entities each, in the order of views. */
export const bodiesOf = (features: number, count: number): string[] => {
  const names = Array.from({ length: features }, (_, n) => `${viewName(Math.floor(n / fieldsPerView))}:f${n}`)
  return Array.from({ length: count === 1 ? 500 : 50 }, (_, request) =>
    JSON.stringify({
      features: names,
      entities: { id: Array.from({ length: count }, (_, n) => (request * 6_007 + n * 97) % entities) },
    }),
  )
}
