import { deadLetter, done, drop, type Handler } from '@cascata/messaging'
import { type DataOf, type resourceApplied, type resourceDeleted } from '@cascata/events'
import { keepModel } from '../datasets/models.store.ts'
import { type SegmentStore } from '../offline/segments.store.ts'
import { deleteView, saveView } from './views.store.ts'

/** What every normalised document has; without it a view or model could not be worked with, here or at the next start. */
const isComplete = ({ kind, spec }: DataOf<typeof resourceApplied>): boolean =>
  (kind === 'FeatureView' ? ['source', 'entity', 'eventTime', 'fields'] : ['observations', 'label', 'features', 'train']).every(
    (field) => typeof spec[field] === 'object',
  )

/** Takes a view's new revision over; every replica starts or changes its ingestion when it looks next. A model's revision is kept for its runs. */
export const onResourceApplied =
  ({ changed }: { changed: () => void }): Handler<DataOf<typeof resourceApplied>> =>
  async ({ data }, tx) => {
    if (!isComplete(data)) return deadLetter('the document is not the normalised one: fields are missing')
    await (data.kind === 'FeatureView' ? saveView(tx, data) : keepModel(tx, data))
    changed()
    return done
  }

/** Stops a view. Its online rows go when a replica notices, its segments a while later. */
export const onResourceDeleted =
  ({ segments, changed }: { segments: SegmentStore; changed: () => void }): Handler<DataOf<typeof resourceDeleted>> =>
  async ({ data: { kind, namespace, name } }, tx) => {
    if (kind !== 'FeatureView') {
      await tx.query('delete from ripeness where namespace = $1 and model = $2', [namespace, name])
      changed()
      return done
    }
    const id = await deleteView(tx, namespace, name)
    if (id === null) return drop('the view is not applied here')
    await segments.dropAll(tx, id)
    changed()
    return done
  }
