import { readCursors } from './cursors.ts'
import { failure } from './log.ts'
import type { Reader, ReaderParts } from './reader.ts'
import { pause } from './waiting.ts'

/**
 * Cursors may be reset by a request to any replica (resume, replay), and a topic may be created again with no more records than
 * were read of the old one, so that no flush comes to notice: the owner of the partitions looks.
 */
export async function watchCursors({ db, metrics, log }: ReaderParts, reader: Reader, consumer: string): Promise<void> {
  while (!reader.signal.aborted) {
    try {
      const cursors = await readCursors(db, consumer)
      for (const [topic, own] of Map.groupBy(cursors, (cursor) => cursor.topic)) {
        metrics.halted.set({ consumer, topic }, own.filter(({ halted }) => halted).length)
      }
      await reader.follow(cursors)
      await reader.verify()
    } catch (error) {
      log.debug(failure(error), 'cursors could not be looked at')
    }
    await pause(2_000, reader.signal)
  }
}
