import { type Database, type Messaging } from '@cascata/messaging'
import { notHalted, onlineUnavailable, replayRefused, viewNotFound } from '../errors.ts'
import { onReplay, onResume } from '../ingest/on-halt.ts'
import { replayPart, type ReplayFrom } from '../ingest/replay-part.ts'
import { type CompactParts } from '../upkeep/compact.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { importedUpTo } from '../imports/imports.store.ts'
import { groupOf, qualified } from './view.ts'
import { findView, type StoredView } from './views.store.ts'

/** What people ask a view to do. */
export interface ViewDuties {
  /** Lets halted partitions go on. Throws FS_VIEW_NOT_HALTED. */
  resume(namespace: string, name: string, from: 'earliest' | 'latest', by: string): Promise<Resumed[]>
  /** Reads the topic again, from its beginning or a later place. Throws FS_REPLAY_REFUSED when it no longer has what the segments hold. */
  replay(namespace: string, name: string, from?: ReplayFrom | 'earliest'): Promise<Resumed[]>
  /** Has the online rows written anew from the segments; look-ups answer FS_VIEW_REBUILDING until they are there. */
  rebuild(namespace: string, name: string): Promise<void>
}

type Resumed = Awaited<ReturnType<Messaging['resumeHalted']>>[number]

export function viewDuties(parts: CompactParts & { readonly messaging: Messaging; readonly online: OnlineStore }): ViewDuties {
  const { db, messaging, segments, online } = parts
  const stored = async (namespace: string, name: string): Promise<StoredView> => {
    const found = await findView(db, namespace, name)
    if (!found) throw viewNotFound({ view: `${namespace}/${name}` })
    return found
  }

  return {
    async resume(namespace, name, from, by) {
      const { view } = await stored(namespace, name)
      const resumed = await messaging.resumeHalted({ consumer: groupOf(view), onResume: onResume(view, { from, by }) }, from)
      if (resumed.length === 0) throw notHalted({ view: qualified(view) })
      return resumed
    },

    async rebuild(namespace, name) {
      const { view } = await stored(namespace, name)
      await online.markIncomplete(view).catch((error: unknown) => {
        throw onlineUnavailable({}, { cause: error })
      })
    },

    async replay(namespace, name, from = 'earliest') {
      const found = await stored(namespace, name)
      const { view } = found
      const refused = (reason: string) => replayRefused({ view: qualified(view), reason })
      const states = await messaging.partitions(groupOf(view))
      if (states.some(({ halted }) => halted)) throw refused('its topic is not the one that was read')
      if (await holdsRowsBeforeGap(db, view.id)) throw refused('it holds rows from before a gap')
      if (from !== 'earliest') return replayPart(parts, found, from)
      const bounds = await messaging.topics.bounds(view.spec.source.topic)
      const trimmed = [...bounds].find(([, { low }]) => low > 0)
      if (trimmed) throw refused(`partition ${trimmed[0]} of its topic begins at offset ${trimmed[1].low}`)
      if ((await importedUpTo(db, view.id)) > 0) throw refused('it holds imported rows, which its topic does not have')
      return messaging.resumeHalted({ consumer: groupOf(view), onResume: onReplay(view, segments) }, 'earliest', true)
    },
  }
}

/** Offsets of an older log name other records than the same ones of the topic as it is. */
async function holdsRowsBeforeGap(db: Database, viewId: number): Promise<boolean> {
  const found = await db.query(
    `select 1 as one from segment_range
       join segment on segment.id = segment_id
       join view_partition known on known.view_id = segment.view_id and known.topic = segment_range.topic
        and known.partition = segment_range.partition
      where segment.view_id = $1 and dropped_at is null and epoch < floor_epoch limit 1`,
    [viewId],
  )
  return found.length > 0
}
