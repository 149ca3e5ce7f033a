import { type View } from '../feature-views/view.ts'
import { type RowBatch } from '../ingest/row-batch.ts'
import { type OnlineStore } from '../online/online-store.ts'
import { isTiled } from './restore-tiles.ts'
import { oldestTiles } from './tile-runs.ts'
import { type TileStore } from './tile-store.ts'

/** Where the rows of a view go online: as rows, or as aggregates. */
export interface OnlineWriter {
  /** Idempotent. Returns how many rows came too late for every tile: they are offline alone. */
  write(batch: RowBatch, generation: number): Promise<number>
  /** Some of what was written does not count. Rows are superseded; aggregates are built anew. */
  retract(): Promise<void>
}

/** @param watermark As last seen: an older one only lets more rows in. */
export function onlineWriter(
  { online, tiles }: { online: OnlineStore; tiles: TileStore },
  view: View,
  watermark: () => number | null,
): OnlineWriter {
  if (!isTiled(view)) {
    return {
      async write(batch) {
        await online.write(batch)
        return 0
      },
      retract: async () => {},
    }
  }
  return {
    write: (batch, generation) => tiles.apply(view, generation, batch, oldestTiles(view.windows, watermark())),
    retract: () => online.markIncomplete(view),
  }
}
