import { type versionApproved, type DataOf, type versionRejected } from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { saveRefusal } from '../lineage/lineage.store.ts'
import { saveVerdict } from './versions.store.ts'

type Said = DataOf<typeof versionApproved> | DataOf<typeof versionRejected>

/** Keeps the verdict of the gates beside the version, and that on a candidate that was never registered beside its run. */
export const onVerdict: Handler<Said> = async ({ data, time, source }, tx) => {
  if (source === '/cascata/registry') return drop('said here')
  if (data.version === null) {
    if (data.run === null) return drop('the candidate was never registered')
    const outcome = { type: 'cascata.version.rejected.v1', at: time, why: data.why }
    return (await saveRefusal(tx, data.run, outcome, data.evidence)) ? done : drop('the run is not known here')
  }
  const given = {
    verdict: data.verdict,
    by: data.by,
    why: data.why,
    at: new Date(time).toISOString(),
    evidenceSha256: data.evidence,
  }
  return (await saveVerdict(tx, data, data.version, given)) ? done : drop('the version is not registered here')
}
