import { type Database } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { featureServiceNotFound } from '../errors.ts'
import { championOf, findService } from './feature-services.store.ts'
import { parseServiceName } from './validate-service.ts'

/** Which features a feature service has: `view:field` of its namespace. @throws FS_FEATURE_SERVICE_NOT_FOUND */
export type ServiceFeatures = (namespace: string, name: string) => Promise<ResolvedService>

export interface ResolvedService {
  readonly namespace: string
  readonly features: readonly string[]
}

/** How long a model is taken to be served by the version that served it, in ms. */
const championHolds = 1_000
const keptServices = 1_000

/** Feature services are what versions read: pinned, so `model@3` is looked for once; `model` follows the champion within a second. */
export function featureServices({ db, clock }: { db: Database; clock: Clock }): ServiceFeatures {
  const versions = new Map<string, readonly string[]>()
  const champions = new Map<string, { version: string | null; until: number }>()
  const keep = <Kept>(kept: Map<string, Kept>, key: string, value: Kept): Kept => {
    if (kept.size >= keptServices) kept.delete(kept.keys().next().value!)
    kept.set(key, value)
    return value
  }

  const champion = async (namespace: string, model: string): Promise<string | null> => {
    const key = `${namespace}/${model}`
    const known = champions.get(key)
    if (known && clock.now() < known.until) return known.version
    champions.delete(key)
    return keep(champions, key, { version: await championOf(db, namespace, model), until: clock.now() + championHolds }).version
  }

  return async (inNamespace, name) => {
    const asked = parseServiceName(name, inNamespace)
    if (!asked) throw featureServiceNotFound({ service: name.slice(0, 200) })
    const { namespace, model } = asked
    const version = asked.version ?? (await champion(namespace, model))
    const key = `${namespace}/${model}@${version}`
    const features = versions.get(key) ?? (version === null ? null : await findService(db, namespace, model, version))
    if (!features) throw featureServiceNotFound({ service: `${namespace}/${name}` })
    return { namespace, features: versions.get(key) ?? keep(versions, key, features) }
  }
}
