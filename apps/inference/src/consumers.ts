import { resourceApplied, resourceDeleted, routeChanged, routes, specs, type CloudEvent, type DataOf } from '@cascata/events'
import { readCompacted, type CompactedReader } from '@cascata/messaging'
import { type FeatureView, type Model } from '@cascata/resources'
import { type Logger } from '@cascata/service'
import { keyOf, type Router } from './routing/router.ts'
import { type SpecBook } from './routing/spec-book.ts'

type Kafka = Parameters<typeof readCompacted>[0]['kafka']

interface Parts {
  kafka: Kafka
  router: Router
  specs: SpecBook
  onSpecs(): void
  log: Logger
}

/** What this app listens to: two compacted topics, from their beginning at every start. No group, no database. */
export const consumers = ({
  kafka,
  router,
  specs: book,
  onSpecs,
  log,
}: Parts): { routes: CompactedReader; specs: CompactedReader } => ({
  specs: readCompacted({
    kafka,
    topic: specs,
    definitions: [resourceApplied, resourceDeleted],
    log,
    onValue: (_key, event) => {
      if (event) noteSpec(book, event)
      onSpecs()
    },
  }),
  routes: readCompacted({
    kafka,
    topic: routes,
    definitions: [routeChanged],
    log,
    onValue: (key, event) => {
      if (event) router.apply(event.data as DataOf<typeof routeChanged>, event)
      else router.remove(key)
    },
  }),
})

function noteSpec(book: SpecBook, event: CloudEvent): void {
  if (event.type === resourceApplied.type) {
    const { apiVersion, kind, metadata, spec, generation } = event.data as DataOf<typeof resourceApplied>
    return book.put({ apiVersion, kind, metadata, spec, generation } as unknown as (Model | FeatureView) & { generation: number })
  }
  const { kind, namespace, name } = event.data as DataOf<typeof resourceDeleted>
  book.remove(kind, keyOf({ namespace, model: name }))
}
