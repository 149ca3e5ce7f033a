import { bell } from '@cascata/messaging'
import { rebuildWhenLost } from '../online/rebuild.ts'
import { type StoredView, listViews } from '../feature-views/views.store.ts'
import { qualified } from '../feature-views/view.ts'
import { forgetObserved, observeView } from './observe.ts'
import { type IngestionParts, startViewIngestion, type ViewIngestion } from './view-ingestion.ts'

/** How often the views are looked at, in ms: other replicas change them too. */
const lookEvery = 1_000

/** Keeps the ingestion of every view as the views are. */
export interface Ingestion {
  /** Looks at once: a view was changed here. */
  look(): void
  stop(): Promise<void>
}

/**
 * Starts, restarts and stops views on this replica as they come, change and go. A revision is changed by a restart:
 * the flush under way ends, and the next one is validated under the new revision.
 */
export function startIngestion(parts: IngestionParts): Ingestion {
  const { db, log } = parts
  const running = new Map<number, ViewIngestion>()
  const restoring = new Map<number, Promise<void>>()
  const stopping = new AbortController()
  const looked = bell()

  /** Rows go on coming while the online store is restored, so nothing waits for it. */
  const restore = (stored: StoredView): void => {
    const { id } = stored.view
    if (restoring.has(id)) return
    const work = rebuildWhenLost(parts, stored)
      .catch((error: unknown) =>
        log.warn({ view: qualified(stored.view), err: error }, 'the online rows of a view could not be restored yet'),
      )
      .finally(() => restoring.delete(id))
    restoring.set(id, work)
  }

  const reconcile = async (stored: StoredView): Promise<void> => {
    const { view } = stored
    const present = running.get(view.id)
    if (present && present.view.revision !== view.revision) {
      running.delete(view.id)
      await present.stop()
    }
    restore(stored)
    if (!running.has(view.id)) running.set(view.id, await startViewIngestion(parts, stored))
    await running.get(view.id)!.update(stored)
    await observeView(parts, stored)
  }

  const lookAtAll = async (): Promise<void> => {
    const views = await listViews(db)
    parts.catalogue.take(views)
    const known = new Set(views.map(({ view }) => view.id))
    for (const [id, ingestion] of running) {
      if (known.has(id)) continue
      running.delete(id)
      await ingestion.stop()
      forgetObserved(parts, ingestion.view)
      await parts.online.forget(ingestion.view)
      if (ingestion.view.windows) await parts.tiles.forget(ingestion.view)
      log.info({ view: qualified(ingestion.view) }, 'a view is no longer read')
    }
    for (const stored of views) {
      if (stopping.signal.aborted) return
      await reconcile(stored).catch((error: unknown) =>
        log.warn({ view: qualified(stored.view), err: error }, 'a view could not be looked after, and is looked at again'),
      )
    }
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await lookAtAll().catch((error: unknown) => log.warn({ err: error }, 'the views could not be looked at'))
      await looked.wait(lookEvery, stopping.signal)
    }
  })()

  return {
    look: () => looked.ring(),
    async stop() {
      stopping.abort()
      await loop
      await Promise.all([...[...running.values()].map((ingestion) => ingestion.stop()), ...restoring.values()])
    },
  }
}
