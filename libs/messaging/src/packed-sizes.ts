/** How large packed bytes become, read from them without unpacking any. Both throw RangeError for what is no such format. */

const xerial = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHead = 16

/** The blocks of snappy: one as it is, or many as Xerial frames them (github.com/xerial/snappy-java), and their size when unpacked. */
export function snappyBlocks(packed: Buffer): { blocks: Buffer[]; size: number } {
  const blocks = isFramed(packed) ? framed(packed) : [packed]
  if (blocks.some((block) => block !== packed && isFramed(block))) throw new RangeError('A frame within a frame.')
  return { blocks, size: blocks.reduce((sum, block) => sum + sizeOfSnappyBlock(block), 0) }
}

const isFramed = (bytes: Buffer): boolean => bytes.subarray(0, xerial.length).equals(xerial)

function framed(packed: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = xerialHead; at < packed.length;) {
    const end = at + 4 + packed.readUInt32BE(at)
    if (end > packed.length) throw new RangeError('A block ends behind its frame.')
    blocks.push(packed.subarray(at + 4, end))
    at = end
  }
  return blocks
}

/** A block begins with its size when unpacked, as a varint. */
function sizeOfSnappyBlock(block: Buffer): number {
  let size = 0
  for (let index = 0; index < 5; index += 1) {
    const byte = block.readUInt8(index)
    size += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return size
  }
  throw new RangeError('A size takes more than five bytes.')
}

const lz4Magic = 0x184d2204

/**
 * What an LZ4 frame unpacks to (github.com/lz4/lz4, doc/lz4_Frame_format.md). One frame, without a dictionary, and nothing behind it:
 * that is what producers send, and an unpacker would go on with another one.
 */
export function sizeOfLz4Frame(frame: Buffer): number {
  if (frame.readUInt32LE(0) !== lz4Magic) throw new RangeError('No LZ4 frame.')
  const flags = frame.readUInt8(4)
  const has = (bit: number): boolean => (flags & (1 << bit)) !== 0
  if (has(0)) throw new RangeError('An LZ4 frame with a dictionary.')
  let at = 7 + (has(3) ? 8 : 0)
  let size = 0
  for (;;) {
    const head = frame.readUInt32LE(at)
    at += 4
    if (head === 0) break
    const bytes = head & 0x7fff_ffff
    if (at + bytes > frame.length) throw new RangeError('A block ends behind its frame.')
    size += head >>> 31 === 1 ? bytes : sizeOfLz4Block(frame, at, at + bytes)
    at += bytes + (has(4) ? 4 : 0)
  }
  if (at + (has(2) ? 4 : 0) !== frame.length) throw new RangeError('Something follows an LZ4 frame.')
  return size
}

/** Sequences of literals and matches (doc/lz4_Block_format.md): their lengths are all that is read. */
function sizeOfLz4Block(frame: Buffer, start: number, end: number): number {
  let [at, size] = [start, 0]
  const length = (nibble: number): number => {
    let sum = nibble
    if (nibble < 15) return sum
    for (let byte = 255; byte === 255; sum += byte) byte = frame.readUInt8(at++)
    return sum
  }
  while (at < end) {
    const token = frame.readUInt8(at++)
    const literals = length(token >> 4)
    at += literals
    size += literals
    if (at >= end) break
    at += 2
    size += 4 + length(token & 0x0f)
  }
  return size
}
