import { type Clock } from '@cascata/service'
import { timeInvalid } from '../errors.ts'
import { futureTolerance, parseIso } from '../ingest/validate-times.ts'

/**
 * The now of a look-up in Unix ms: the server's clock, unless the header `Cascata-At` moves it, for ttl only.
 *
 * @throws FS_TIME_INVALID when the header is no instant with a zone, or lies too far ahead of the clock.
 */
export function requestedTime(header: string | string[] | undefined, clock: Clock): number {
  const now = clock.now()
  if (header === undefined) return now
  const at = typeof header === 'string' ? parseIso(header.trim()) : Number.NaN
  if (Number.isNaN(at)) throw timeInvalid({ problem: 'Cascata-At is no ISO 8601 instant with a zone' })
  if (at > now + futureTolerance) throw timeInvalid({ problem: 'Cascata-At is more than 5 minutes ahead of the clock' })
  return at
}
