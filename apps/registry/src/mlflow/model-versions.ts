import { type Database, type Tx } from '@cascata/messaging'
import { currentPrincipal, mayAccess } from '@cascata/service'
import { z } from 'zod'
import { record } from '../audit/audit.store.ts'
import { findResource } from '../resources/resources.store.ts'
import { registeredName } from '../versions/model-name.ts'
import { sayRegistered } from '../versions/say-registered.ts'
import { type Version } from '../versions/version.ts'
import { addVersion, findVersion as findAnyVersion, lockModel } from '../versions/versions.store.ts'
import { onnxUnder } from './artifacts.store.ts'
import { sayToWebhooks } from '../webhooks/webhooks.store.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { parseFilter, parseOrder } from './filter/parse-filter.ts'
import { versionCondition } from './filter/registry-filter.ts'
import { alreadyHere, imported as keeping, requireImporter } from './imported.ts'
import { locateSource } from './model-source.ts'
import {
  getVersion,
  sayVersion,
  setVersionTags,
  versionColumns,
  type VersionRow,
  withoutAliases,
} from './model-versions.store.ts'
import { asObject, checkRegistryTag, getRegisteredModel } from './registered-models.ts'
import { artifactUri } from './runs.store.ts'
import { int64, keyValue, offsetOf, opaqueId, pageToken, refuse, repeated, text } from './wire.ts'

const create = z.object({
  name: text,
  source: text.max(1_000),
  run_id: opaqueId.optional(),
  tags: z.array(keyValue).max(1_000).default([]),
  description: text.max(100_000).default(''),
  imported: keeping.version,
})

/** Says a version that a client registered, when a Model of its name is applied: only then anybody can do anything with it. */
const publish = async (tx: Tx, version: Version): Promise<void> => {
  const { namespace, model } = version
  const resource = await findResource(tx, { kind: 'Model', namespace, name: model })
  if (!resource || resource.deleted) return
  await tx.query('update model_version set revision = $4 where namespace = $1 and model = $2 and version = $3', [
    namespace,
    model,
    version.version,
    resource.revision,
  ])
  await sayRegistered(tx, { ...version, revision: resource.revision })
}

const creating =
  ({ db, clock }: Tracking) =>
  async ({ name, source, run_id, tags, description, imported }: z.infer<typeof create>): Promise<object> => {
    requireImporter(imported)
    tags.forEach(checkRegistryTag)
    return db.transaction(async (tx) => {
      const registered = await getRegisteredModel(tx, name)
      const { root, run } = await locateSource(tx, source, run_id || undefined)
      await lockModel(tx, registered, clock.now())
      if (imported && (await findAnyVersion(tx, registered, imported.version)))
        throw alreadyHere(`Model Version (name=${name}, version=${imported.version})`)
      const modelSha256 = (await onnxUnder(tx, root)) ?? null
      const user = currentPrincipal().name
      const version = await addVersion(
        tx,
        { ...unknown, ...registered, origin: 'client', run, modelSha256, source, description, user },
        clock.now(),
        imported?.version,
      )
      await setVersionTags(tx, version, tags)
      const subject = `${version.namespace}/${version.model}/${version.version}`
      await record(tx, { who: user, action: 'version.registered', namespace: version.namespace, subject, details: { source } })
      const data = {
        name: registered.name,
        version: version.version,
        source,
        run_id: run ?? '',
        tags: asObject(tags),
        description,
      }
      await sayToWebhooks(tx, { entity: 'MODEL_VERSION', action: 'CREATED', data }, clock.now())
      await publish(tx, version)
      return { model_version: sayVersion(await getVersion(tx, version, version.version)) }
    })
  }

/** What a client does not say of its version. */
const unknown = {
  dataset: null,
  datasetHash: null,
  code: null,
  inputs: null,
  signature: null,
  goldenSha256: null,
  profileSha256: null,
  evidenceSha256: null,
  revision: null,
  record: null,
  cutoff: null,
}

const search = z.object({
  filter: text.default(''),
  max_results: int64.default(10_000),
  order_by: repeated(text),
  page_token: text.optional(),
})

const orderKeys: Readonly<Record<string, string>> = {
  name: 'm.name',
  version_number: 'v.version',
  creation_timestamp: 'v.creation_time',
  last_updated_timestamp: 'v.last_updated_time',
}

const searching =
  ({ db }: Tracking) =>
  async ({ filter, max_results, order_by, page_token }: z.infer<typeof search>): Promise<object> => {
    if (max_results < 1 || max_results > 200_000) {
      refuse(`Invalid value for request parameter max_results. It must be at most 200000, but got value ${max_results}`)
    }
    const params: unknown[] = []
    const where = ['v.deleted_at is null', ...parseFilter(filter).map((clause) => versionCondition(clause, params))]
    const order = order_by.map(parseOrder).map(({ key, descending }) => {
      const column = Object.hasOwn(orderKeys, key)
        ? orderKeys[key]!
        : refuse(`Invalid order_by clause '${key}'. Could not be parsed.`)
      return `${column}${descending ? ' desc' : ''}`
    })
    const offset = offsetOf(page_token)
    const found = await db.query<VersionRow>(
      `select ${versionColumns} from model_version v join registered_model m using (namespace, model) where ${where.join(' and ')}
        order by ${[...order, 'v.last_updated_time desc', 'm.name', 'v.version desc'].join(', ')} limit ${max_results + 1} offset ${offset}`,
      params,
    )
    const page = found.slice(0, max_results).filter(({ namespace, model }) => mayAccess(namespace, model))
    return {
      model_versions: page.length > 0 ? page.map(sayVersion).map(withoutAliases) : undefined,
      next_page_token: found.length > max_results ? pageToken(offset + max_results) : undefined,
    }
  }

/** A version by the name of its model and its number, which old clients send as one. */
export const byVersion = z.object({
  name: text,
  version: z.preprocess((value) => (typeof value === 'number' ? String(value) : value), text),
})

export const findVersion = async (db: Database, { name, version }: z.infer<typeof byVersion>): Promise<VersionRow> =>
  getVersion(db, await getRegisteredModel(db, name), version)

/** Versions of registered models, as MLflow's clients see them. */
export const modelVersionEndpoints = (tracking: Tracking): Endpoint[] => {
  const { db, clock } = tracking
  const find = (asked: z.infer<typeof byVersion>): Promise<VersionRow> => findVersion(db, asked)
  return [
    endpoint('POST', 'model-versions/create', 'trainer', create, creating(tracking)),
    endpoint('GET', 'model-versions/get', 'viewer', byVersion, async (asked) => ({
      model_version: sayVersion(await find(asked)),
    })),
    endpoint('GET', 'model-versions/search', 'viewer', search, searching(tracking)),
    endpoint(
      'PATCH',
      'model-versions/update',
      'trainer',
      byVersion.extend({ description: text.max(100_000).default('') }),
      async (asked) => {
        const { namespace, model, version } = await find(asked)
        await db.query(
          'update model_version set description = $4, last_updated_time = $5 where namespace = $1 and model = $2 and version = $3',
          [namespace, model, version, asked.description, clock.now()],
        )
        return { model_version: sayVersion(await find(asked)) }
      },
    ),
    endpoint('GET', 'model-versions/get-download-uri', 'viewer', byVersion, async (asked) => {
      const { source, run, version } = await find(asked)
      if (source === '')
        return refuse(`Version ${version} was made by the platform; its model is \`GET /v1/versions\` and \`GET /v1/blobs\`.`)
      const { root } = await locateSource(db, source, run ?? undefined)
      return { artifact_uri: source.startsWith('runs:/') ? source : artifactUri(root) }
    }),
    endpoint('POST', 'model-versions/set-tag', 'trainer', byVersion.extend(keyValue.shape), async (asked) => {
      checkRegistryTag(asked)
      const version = await find(asked)
      await db.transaction(async (tx) => {
        await setVersionTags(tx, version, [asked])
        const data = { name: registeredName(version), version: version.version, key: asked.key, value: asked.value }
        await sayToWebhooks(tx, { entity: 'MODEL_VERSION_TAG', action: 'SET', data }, clock.now())
      })
      return {}
    }),
    endpoint('DELETE', 'model-versions/delete-tag', 'trainer', byVersion.extend({ key: text }), async (asked) => {
      const { namespace, model, version } = await find(asked)
      await db.transaction(async (tx) => {
        await tx.query('delete from model_version_tag where namespace = $1 and model = $2 and version = $3 and key = $4', [
          namespace,
          model,
          version,
          asked.key,
        ])
        const data = { name: registeredName({ namespace, model }), version, key: asked.key }
        await sayToWebhooks(tx, { entity: 'MODEL_VERSION_TAG', action: 'DELETED', data }, clock.now())
      })
      return {}
    }),
  ]
}
