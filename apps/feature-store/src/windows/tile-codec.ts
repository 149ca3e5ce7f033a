import { type OnlinePosition } from '../online/online-order.ts'
import { lastText, lastValue, noPartial, type Partial } from './partials.ts'
import { type Level, type Slot } from './window-plan.ts'

/*
 * A tile in the online store, big-endian:
 *
 *   0  2 bytes       n, how many partitions it has rows of
 *   2  n × 10        partition (2), epoch (2), the last offset applied (6)
 *      …             of each slot of its level:
 *        6           count
 *        8 + 8       sum: two doubles                              if it is asked for
 *        8 + 8       mean, sum of squared deviations               if it is asked for
 *        8, 8        min, max: a double; of an int, the 64 bits with the sign's bit turned, so that they sort
 *        28 + 4 + n  last: its place in the online order, its length, its text
 *
 * The scripts of the tiles read and merge this too (see tile-scripts.ts).
 */

/** The slots of a level as the scripts walk them, a letter a piece. */
export const layoutOf = ({ slots }: Level): string =>
  slots
    .map(({ type, sum, spread, min, max, last }) => {
      const whole = type === 'int'
      return `c${sum ? 's' : ''}${spread ? 'v' : ''}${min ? (whole ? 'i' : 'm') : ''}${max ? (whole ? 'I' : 'M') : ''}${last ? 'l' : ''}`
    })
    .join('')

const placeBytes = 28
const high = 2 ** 32
const signBit = 2 ** 31

const lastBytes = (slot: Slot, { last }: Partial): number =>
  slot.last ? placeBytes + 4 + (last ? Buffer.byteLength(lastText(last.value)) : 0) : 0

const sizeOf = (slot: Slot, partial: Partial): number =>
  6 + (slot.sum ? 16 : 0) + (slot.spread ? 16 : 0) + (slot.min ? 8 : 0) + (slot.max ? 8 : 0) + lastBytes(slot, partial)

/** Bytes of a level's partials. */
export const partialsBytes = ({ slots }: Level, partials: readonly Partial[]): number =>
  slots.reduce((sum, slot, index) => sum + sizeOf(slot, partials[index]!), 0)

/** Writes a level's partials; returns where they end. */
export function writePartials({ slots }: Level, partials: readonly Partial[], target: Buffer, from: number): number {
  let at = from
  slots.forEach((slot, index) => {
    const partial = partials[index]!
    at = target.writeUIntBE(partial.count, at, 6)
    if (slot.sum) at = target.writeDoubleBE(partial.rest, target.writeDoubleBE(partial.sum, at))
    if (slot.spread) at = target.writeDoubleBE(partial.squares, target.writeDoubleBE(partial.mean, at))
    const extreme = slot.type === 'int' ? writeInt : writeDouble
    if (slot.min) at = extreme(target, at, partial.count === 0 ? 0 : partial.min)
    if (slot.max) at = extreme(target, at, partial.count === 0 ? 0 : partial.max)
    if (slot.last) at = writeLast(target, at, partial.last)
  })
  return at
}

const writeDouble = (target: Buffer, at: number, value: number | bigint): number => target.writeDoubleBE(Number(value), at)

function writeInt(target: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'bigint') return target.writeBigUInt64BE(BigInt.asUintN(64, value + 2n ** 63n), at)
  const top = Math.floor(value / high)
  return target.writeUInt32BE(value - top * high, target.writeUInt32BE(top + signBit, at))
}

function readInt(source: Buffer, at: number): number | bigint {
  const value = (source.readUInt32BE(at) - signBit) * high + source.readUInt32BE(at + 4)
  return Number.isSafeInteger(value) ? value : source.readBigUInt64BE(at) - 2n ** 63n
}

function writeLast(target: Buffer, from: number, last: Partial['last']): number {
  const { eventTime, availableAt, epoch, partition, offset } = last?.position ?? nowhere
  let at = target.writeDoubleBE(availableAt, target.writeDoubleBE(eventTime, from))
  at = target.writeUInt16BE(partition, target.writeUInt16BE(epoch, at))
  at = target.writeDoubleBE(offset, at)
  const text = last ? lastText(last.value) : ''
  const length = target.write(text, at + 4)
  return target.writeUInt32BE(length, at) + length
}

const nowhere: OnlinePosition = { eventTime: 0, availableAt: 0, epoch: 0, partition: 0, offset: 0 }

/** Reads a tile's partials. */
export function readTile({ slots }: Level, tile: Buffer): Partial[] {
  let at = 2 + tile.readUInt16BE(0) * 10
  return slots.map((slot) => {
    const partial = noPartial()
    partial.count = tile.readUIntBE(at, 6)
    at += 6
    if (slot.sum) {
      partial.sum = tile.readDoubleBE(at)
      partial.rest = tile.readDoubleBE(at + 8)
      at += 16
    }
    if (slot.spread) {
      partial.mean = tile.readDoubleBE(at)
      partial.squares = tile.readDoubleBE(at + 8)
      at += 16
    }
    const extreme = slot.type === 'int' ? readInt : (source: Buffer, place: number) => source.readDoubleBE(place)
    if (slot.min) {
      if (partial.count > 0) partial.min = extreme(tile, at)
      at += 8
    }
    if (slot.max) {
      if (partial.count > 0) partial.max = extreme(tile, at)
      at += 8
    }
    if (slot.last) at = readLast(slot, partial, tile, at)
    return partial
  })
}

function readLast(slot: Slot, partial: Partial, tile: Buffer, at: number): number {
  const start = at + placeBytes + 4
  const end = start + tile.readUInt32BE(at + placeBytes)
  if (partial.count > 0) {
    partial.last = {
      position: {
        eventTime: tile.readDoubleBE(at),
        availableAt: tile.readDoubleBE(at + 8),
        epoch: tile.readUInt16BE(at + 16),
        partition: tile.readUInt16BE(at + 18),
        offset: tile.readDoubleBE(at + 20),
      },
      value: lastValue(tile.toString('utf8', start, end), slot.type!),
    }
  }
  return end
}

/** Levels are letters in the names of tiles. */
export const levelCode = (level: number): number => 97 + level

/** The tile that a field of an entity's hash holds, such as `a3420071`; null for what is no tile. */
export function tileOfField(field: string): { level: number; tile: number } | null {
  const tile = field.length > 1 ? Number(field.slice(1)) : Number.NaN
  return Number.isInteger(tile) ? { level: field.charCodeAt(0) - 97, tile } : null
}

/** The field that holds the event time of an entity's newest row, as a double. */
export const newestField = 'n'
