import { type versionApproved, type DataOf, type versionRejected } from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { saveVerdict } from './versions.store.ts'

type Said = DataOf<typeof versionApproved> | DataOf<typeof versionRejected>

/** Keeps the verdict of the gates beside the version; a candidate that was never registered has nothing to keep it by. */
export const onVerdict: Handler<Said> = async ({ data, time, source }, tx) => {
  if (source === '/cascata/registry') return drop('said here')
  if (data.version === null) return drop('the candidate was never registered')
  const given = {
    verdict: data.verdict,
    by: data.by,
    why: data.why,
    at: new Date(time).toISOString(),
    evidenceSha256: data.evidence,
  }
  return (await saveVerdict(tx, data, data.version, given)) ? done : drop('the version is not registered here')
}
