import { type Database } from '@cascata/messaging'
import { type Client, isCodedError, urlPath } from '@cascata/service'
import { type Reference } from '../windows/window.ts'
import { parseProfile } from './parse-profile.ts'
import { findVersion, keepReference, type WatchedVersion } from './versions.store.ts'

/** What the rows of a version are compared with; undefined while it is warming. */
export type FindReference = (namespace: string, name: string, version: string) => Promise<Reference | undefined>

const REMEMBERED = 64

const unlessMissing = async <T>(asked: Promise<T>): Promise<T | null> => {
  try {
    return await asked
  } catch (error) {
    if (isCodedError(error) && error.status === 404) return null
    throw error
  }
}

/**
 * Finds references: the training profile that the registry has of a version, fetched once and kept. A version that the registry does not
 * know, or that has no profile, is warming. Throws while the registry does not answer: rows wait for it, none is counted wrongly.
 */
export const references = ({ db, registry }: { db: Database; registry: Client }): FindReference => {
  const remembered = new Map<string, Reference>()

  const profileOf = async (
    namespace: string,
    name: string,
    version: string,
    known: WatchedVersion | undefined,
  ): Promise<Reference | null> => {
    const path = urlPath`/v1/versions/${namespace}/${name}/${version}`
    const sha256 =
      known?.profileSha256 ?? (await unlessMissing(registry.get<{ profileSha256?: string | null }>(path)))?.profileSha256
    if (!sha256) return null
    const blob = await unlessMissing(registry.bytes(urlPath`/v1/blobs/${sha256}`))
    try {
      return blob && parseProfile(JSON.parse(blob.toString('utf8')))
    } catch {
      return null
    }
  }

  return async (namespace, name, version) => {
    const model = `${namespace}/${name}`
    const key = `${model}/${version}`
    const held = remembered.get(key)
    if (held) return held
    const known = await findVersion(db, model, version)
    if (known?.state === 'warming') return undefined
    const reference = known?.reference ?? (await profileOf(namespace, name, version, known))
    if (known?.state !== 'profiled') await keepReference(db, model, version, reference)
    if (!reference) return undefined
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value!)
    remembered.set(key, reference)
    return reference
  }
}
