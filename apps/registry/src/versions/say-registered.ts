import { randomUUID } from 'node:crypto'
import { type Cause, type DataOf, versionRegistered } from '@cascata/events'
import { fact, type Tx } from '@cascata/messaging'
import { currentCause } from '@cascata/service'
import { type ModelName } from './model-name.ts'
import { type Version } from './version.ts'

/** What `version.registered` says of a version. */
const registeredFact = (version: Version & { revision: number }): DataOf<typeof versionRegistered> => ({
  namespace: version.namespace,
  model: version.model,
  revision: version.revision,
  version: version.version,
  origin: version.origin,
  run: version.run,
  dataset: version.dataset,
  datasetHash: version.datasetHash,
  code: version.code,
  modelSha256: version.modelSha256,
  inputs: version.inputs,
  cutoff: version.cutoff,
  profileSha256: version.profileSha256,
})

/** Says that a version is registered, because of what the caller names; `cascade` is the one to join when it names nothing. */
export async function sayRegistered(tx: Tx, version: Version & { revision: number }, cascade?: string): Promise<void> {
  const id = randomUUID()
  const causedBy = currentCause()
  const correlationId = causedBy?.correlationid ?? cascade ?? id
  await tx.publish(fact(versionRegistered, registeredFact(version), { id, correlationId }), { causedBy })
  const registration: Cause = { id, correlationid: correlationId }
  await tx.query('update model_version set registration = $4 where namespace = $1 and model = $2 and version = $3', [
    version.namespace,
    version.model,
    version.version,
    JSON.stringify(registration),
  ])
}

/** The fact that a version was registered; undefined for one that nobody was told of. */
export async function registrationOf(tx: Tx, { namespace, model }: ModelName, version: string): Promise<Cause | undefined> {
  const [row] = await tx.query<{ registration: Cause | null }>(
    'select registration from model_version where namespace = $1 and model = $2 and version = $3',
    [namespace, model, version],
  )
  return row?.registration ?? undefined
}
