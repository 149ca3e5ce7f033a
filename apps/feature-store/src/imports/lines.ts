import { createReadStream } from 'node:fs'
import { maxRowBytes } from '../ingest/validate-rows.ts'

const newline = 0x0a
const carriage = 0x0d

/**
 * The lines of a file, in memory of their own. One that is longer than a row may be is cut a byte after that, so that it is refused for
 * its size and never takes more memory.
 */
export async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let held = 0
  const keep = (part: Buffer) => {
    const room = maxRowBytes + 1 - held
    if (room <= 0 || part.length === 0) return
    parts.push(part.subarray(0, room))
    held += Math.min(part.length, room)
  }
  const line = (): Buffer => {
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts = []
    held = 0
    return whole.at(-1) === carriage ? whole.subarray(0, -1) : whole
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 ** 2 }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, end))
      yield line()
      from = end + 1
    }
    keep(chunk.subarray(from))
  }
  if (held > 0) yield line()
}
