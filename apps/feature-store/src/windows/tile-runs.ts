import { type RowBatch } from '../ingest/row-batch.ts'
import { addValue, noPartial, type Partial } from './partials.ts'
import { fromSegments } from './tile-scripts.ts'
import { levelCode, partialsBytes, writePartials } from './tile-codec.ts'
import { tailOf, tileOf, type WindowPlan } from './window-plan.ts'

/** Rows of a batch that fall into one tile of one entity and came by one partition, in the order of their offsets. */
export interface TileRun {
  readonly key: string
  /** Null: older than every tile that lives. The entity was seen, and that is all. */
  readonly tile: { readonly level: number; readonly number: number } | null
  readonly partition: number
  readonly epoch: number
  /** Indices into the batch. */
  readonly rows: readonly number[]
}

/** Which tiles live: those that the longest window of their level can reach from the watermark, or from later. One number a level. */
export const oldestTiles = ({ levels }: WindowPlan, watermark: number | null): number[] =>
  levels.map(({ hop, longest }) => (watermark === null ? -(2 ** 31) : tailOf(watermark, longest, hop)))

/**
 * Sorts the rows of a batch into the tiles of every level.
 *
 * @param oldest Of `oldestTiles`.
 * @returns `late`: rows for which no tile lives any more.
 */
export function runsOf(plan: WindowPlan, batch: RowBatch, oldest: readonly number[]): { runs: TileRun[]; late: number } {
  const runs = new Map<string, TileRun & { rows: number[] }>()
  let late = 0
  const add = (index: number, tile: TileRun['tile']): void => {
    const key = batch.keys[index]!
    const [partition, epoch] = [batch.partitions[index]!, batch.epochs[index]!]
    const name = `${tile ? `${tile.level}.${tile.number}` : ''}/${partition}.${epoch}/${key}`
    const run = runs.get(name)
    if (run) run.rows.push(index)
    else runs.set(name, { key, tile, partition, epoch, rows: [index] })
  }
  for (let index = 0; index < batch.count; index += 1) {
    let lives = false
    plan.levels.forEach(({ hop }, level) => {
      const number = tileOf(batch.eventTimes[index]!, hop)
      if (number < oldest[level]!) return
      lives = true
      add(index, { level, number })
    })
    if (lives) continue
    late += 1
    add(index, null)
  }
  return { runs: [...runs.values()], late }
}

/** What a run leaves behind that was applied up to an offset; null when nothing. */
export function cutRun(batch: RowBatch, run: TileRun, applied: number): TileRun | null {
  const rows = run.rows.filter((index) => batch.offsets[index]! > applied)
  return rows.length > 0 ? { ...run, rows } : null
}

/** Sums up the values of a run, by the slots of its level. */
export function partialsOf(plan: WindowPlan, batch: RowBatch, run: TileRun): Partial[] {
  const { slots } = plan.levels[run.tile!.level]!
  return slots.map((slot) => {
    const values = slot.field === null ? null : batch.values[batch.view.fields.findIndex(({ name }) => name === slot.field)]!
    const partial = noPartial()
    for (const index of run.rows) addValue(slot, partial, values ? values[index]! : null, positionAt(batch, index))
    return partial
  })
}

const positionAt = (batch: RowBatch, index: number) => ({
  eventTime: batch.eventTimes[index]!,
  availableAt: batch.availableAts[index]!,
  epoch: batch.epochs[index]!,
  partition: batch.partitions[index]!,
  offset: batch.offsets[index]!,
})

const writeTile = (bytes: Buffer, level: number, number: number): void => {
  bytes.writeInt32BE(number, bytes.writeUInt8(levelCode(level), 2))
}

const runHeader = 31

/** A run as `applyRuns` reads it. `keyIndex` is the place of its hash among KEYS. */
export function encodeRun(plan: WindowPlan, batch: RowBatch, run: TileRun, keyIndex: number): Buffer {
  const newest = run.rows.reduce((most, index) => Math.max(most, batch.eventTimes[index]!), Number.NEGATIVE_INFINITY)
  const level = run.tile ? plan.levels[run.tile.level]! : null
  const partials = level ? partialsOf(plan, batch, run) : []
  const bytes = Buffer.alloc(runHeader + (level ? partialsBytes(level, partials) : 0))
  bytes.writeUInt16BE(keyIndex, 0)
  if (run.tile) writeTile(bytes, run.tile.level, run.tile.number)
  bytes.writeUInt16BE(run.partition, 7)
  bytes.writeUInt16BE(run.epoch, 9)
  bytes.writeUIntBE(batch.offsets[run.rows[0]!]!, 11, 6)
  bytes.writeUIntBE(batch.offsets[run.rows.at(-1)!]!, 17, 6)
  bytes.writeDoubleBE(newest, 23)
  if (level) writePartials(level, partials, bytes, runHeader)
  return bytes
}

/** What segments have of an entity: a tile, or only that it was seen. */
export interface Built {
  readonly key: string
  /** Event time of the entity's newest row in it. */
  readonly newest: number
  readonly tile: BuiltTile | null
}

/** A tile made of all rows that fall into it. */
export interface BuiltTile {
  readonly level: number
  readonly number: number
  readonly partials: readonly Partial[]
}

/** What was built as `applyRuns` reads it. */
export const encodeBuilt = (plan: WindowPlan, { tile, newest }: Built, keyIndex: number): Buffer =>
  encodeWhole(plan, tile, newest, keyIndex, { headerBytes: runHeader, newestAt: 23 })

/** What was built as `resetTiles` reads it. */
export const encodeReset = (plan: WindowPlan, { tile, newest }: Built, keyIndex: number): Buffer =>
  encodeWhole(plan, tile, newest, keyIndex, { headerBytes: 15, newestAt: 7 })

function encodeWhole(
  plan: WindowPlan,
  tile: BuiltTile | null,
  newest: number,
  keyIndex: number,
  { headerBytes, newestAt }: { headerBytes: number; newestAt: number },
): Buffer {
  const bytes = Buffer.alloc(headerBytes + (tile ? partialsBytes(plan.levels[tile.level]!, tile.partials) : 0))
  bytes.writeUInt16BE(keyIndex, 0)
  if (headerBytes === runHeader) bytes.writeUInt16BE(fromSegments, 7)
  bytes.writeDoubleBE(newest, newestAt)
  if (!tile) return bytes
  writeTile(bytes, tile.level, tile.number)
  writePartials(plan.levels[tile.level]!, tile.partials, bytes, headerBytes)
  return bytes
}
