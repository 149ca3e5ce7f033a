import { type Database, type Tx } from '@cascata/messaging'
import { mayAccess, requireAccess } from '@cascata/service'
import { z } from 'zod'
import { resourceAlreadyExists, resourceDoesNotExist } from '../errors.ts'
import { modelOf, registeredName } from '../versions/model-name.ts'
import { sayToWebhooks } from '../webhooks/webhooks.store.ts'
import { type Endpoint, endpoint, type Tracking } from './endpoints.ts'
import { parseFilter, parseOrder } from './filter/parse-filter.ts'
import { modelCondition } from './filter/registry-filter.ts'
import { canonicalStage, latestVersions, stages, withoutAliases } from './model-versions.store.ts'
import { checkName as checkTagName } from './validate-batch.ts'
import { apiDocs, int64, keyValue, type KeyValue, missingValue, offsetOf, pageToken, refuse, repeated, text } from './wire.ts'

export interface RegisteredModel {
  readonly name: string
  readonly namespace: string
  readonly model: string
  readonly description: string
  readonly creation_time: string
  readonly last_updated_time: string
  readonly tags: readonly KeyValue[]
  readonly aliases: readonly { alias: string; version: string }[]
}

const columns = `m.name, m.namespace, m.model, m.description, m.creation_time, m.last_updated_time,
  coalesce((select jsonb_agg(jsonb_build_object('key', t.key, 'value', t.value) order by t.key) from registered_model_tag t where t.name = m.name), '[]') as tags,
  coalesce((select jsonb_agg(jsonb_build_object('alias', a.alias, 'version', a.version::text) order by a.alias)
    from registered_model_alias a where a.name = m.name), '[]') as aliases`

/** Throws `RESOURCE_DOES_NOT_EXIST`, `AUTH_SCOPE`. */
export const getRegisteredModel = async (db: Pick<Database | Tx, 'query'>, name: string): Promise<RegisteredModel> => {
  const [found] = await db.query<RegisteredModel>(
    `select ${columns} from registered_model m where m.name = $1 and m.deleted_at is null`,
    [registeredName(modelOf(name))],
  )
  if (!found) throw resourceDoesNotExist({ message: `Registered Model with name=${name} not found` })
  requireAccess(found.namespace, found.model)
  return found
}

/** A model as MLflow's JSON says it, with the newest version of each stage. */
export const sayModel = async (db: Database, model: RegisteredModel): Promise<object> => {
  const latest = await latestVersions(db, model)
  return {
    name: model.name,
    creation_timestamp: Number(model.creation_time),
    last_updated_timestamp: Number(model.last_updated_time),
    description: model.description,
    latest_versions: latest.length > 0 ? latest.map(withoutAliases) : undefined,
    tags: model.tags.length > 0 ? model.tags : undefined,
    aliases: model.aliases.length > 0 ? model.aliases : undefined,
  }
}

export const checkName = (name: string, parameter = 'name'): void => {
  if (name === '') missingValue(parameter)
  if (/[/:]/.test(name)) refuse(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`)
  if (name.length > 256) refuse(`'name' exceeds the maximum length of 256 characters`)
}

export const checkRegistryTag = ({ key, value }: KeyValue): void => {
  checkTagName(key, 'key')
  if (key.length > 250) refuse(`'key' exceeds the maximum length of 250 characters`)
  if (value.length > 100_000) refuse(`'value' exceeds the maximum length of 100000 characters`)
}

export const named = z.object({ name: text })
const create = named.extend({ tags: z.array(keyValue).max(1_000).default([]), description: text.max(10_000).default('') })

const setTags = async (db: Pick<Database | Tx, 'query'>, name: string, tags: readonly KeyValue[]): Promise<void> => {
  tags.forEach(checkRegistryTag)
  const last = [...new Map(tags.map((tag) => [tag.key, tag])).values()]
  await db.query(
    `insert into registered_model_tag (name, key, value) select $1, * from unnest($2::text[], $3::text[])
     on conflict (name, key) do update set value = excluded.value`,
    [name, last.map(({ key }) => key), last.map(({ value }) => value)],
  )
}

/** Tags as messages to webhooks have them. */
export const asObject = (tags: readonly KeyValue[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]))

const creating =
  ({ db, clock }: Tracking) =>
  async ({ name, tags, description }: z.infer<typeof create>): Promise<object> => {
    checkName(name)
    const model = modelOf(name)
    requireAccess(model.namespace, model.model)
    const registered = registeredName(model)
    await db.transaction(async (tx) => {
      const added = await tx.query(
        `insert into registered_model (name, namespace, model, description, creation_time, last_updated_time) values ($1, $2, $3, $4, $5, $5)
         on conflict (name) do update set description = excluded.description, creation_time = excluded.creation_time,
           last_updated_time = excluded.last_updated_time, deleted_at = null where registered_model.deleted_at is not null
         returning 1 as one`,
        [registered, model.namespace, model.model, description, clock.now()],
      )
      if (added.length === 0) throw resourceAlreadyExists({ message: `Registered Model (name=${name}) already exists.` })
      await setTags(tx, registered, tags)
      const data = { name: registered, tags: asObject(tags), description }
      await sayToWebhooks(tx, { entity: 'REGISTERED_MODEL', action: 'CREATED', data }, clock.now())
    })
    return { registered_model: await sayModel(db, await getRegisteredModel(db, registered)) }
  }

const search = z.object({
  filter: text.default(''),
  max_results: int64.default(100),
  order_by: repeated(text),
  page_token: text.optional(),
})

const orderKeys: Readonly<Record<string, string>> = {
  name: 'm.name',
  timestamp: 'm.last_updated_time',
  last_updated_timestamp: 'm.last_updated_time',
}

const searching =
  ({ db }: Tracking) =>
  async ({ filter, max_results, order_by, page_token }: z.infer<typeof search>): Promise<object> => {
    if (max_results < 1 || max_results > 1_000) {
      refuse(`Invalid value "${max_results}" for parameter 'max_results' supplied:  Hint: Value was of type 'str'. ${apiDocs}`)
    }
    const params: unknown[] = []
    const where = ['m.deleted_at is null', ...parseFilter(filter).map((clause) => modelCondition(clause, params))]
    const order = order_by.map(parseOrder).map(({ key, descending }) => {
      const column = Object.hasOwn(orderKeys, key)
        ? orderKeys[key]!
        : refuse(`Invalid order_by clause '${key}'. Could not be parsed.`)
      return `${column}${descending ? ' desc' : ''}`
    })
    const found = await db.query<RegisteredModel>(
      `select ${columns} from registered_model m where ${where.join(' and ')} order by ${[...order, 'm.name'].join(', ')}`,
      params,
    )
    const visible = found.filter(({ namespace, model }) => mayAccess(namespace, model))
    const offset = offsetOf(page_token)
    const page = visible.slice(offset, offset + max_results)
    return {
      registered_models: page.length > 0 ? await Promise.all(page.map((model) => sayModel(db, model))) : undefined,
      next_page_token: visible.length > offset + max_results ? pageToken(offset + max_results) : undefined,
    }
  }

/** Registered models: names under which versions are counted. */
export const registeredModelEndpoints = (tracking: Tracking): Endpoint[] => {
  const { db, clock } = tracking
  const tagged = named.extend(keyValue.shape)
  const latest = named.extend({ stages: repeated(text) })
  return [
    endpoint('POST', 'registered-models/create', 'trainer', create, creating(tracking)),
    endpoint('GET', 'registered-models/get', 'viewer', named, async ({ name }) => ({
      registered_model: await sayModel(db, await getRegisteredModel(db, name)),
    })),
    endpoint('GET', 'registered-models/search', 'viewer', search, searching(tracking)),
    endpoint(
      'PATCH',
      'registered-models/update',
      'trainer',
      named.extend({ description: text.max(10_000).default('') }),
      async ({ name, description }) => {
        const { name: registered } = await getRegisteredModel(db, name)
        await db.query('update registered_model set description = $2, last_updated_time = $3 where name = $1', [
          registered,
          description,
          clock.now(),
        ])
        return { registered_model: await sayModel(db, await getRegisteredModel(db, registered)) }
      },
    ),
    endpoint(['GET', 'POST'], 'registered-models/get-latest-versions', 'viewer', latest, async ({ name, stages: asked }) => {
      const of = asked.length > 0 ? asked.map(canonicalStage) : stages
      const found = await latestVersions(db, await getRegisteredModel(db, name), of)
      return { model_versions: found.length > 0 ? found : undefined }
    }),
    endpoint('POST', 'registered-models/set-tag', 'trainer', tagged, async ({ name, key, value }) => {
      const { name: registered } = await getRegisteredModel(db, name)
      await setTags(db, registered, [{ key, value }])
      return {}
    }),
    endpoint('DELETE', 'registered-models/delete-tag', 'trainer', named.extend({ key: text }), async ({ name, key }) => {
      const { name: registered } = await getRegisteredModel(db, name)
      await db.query('delete from registered_model_tag where name = $1 and key = $2', [registered, key])
      return {}
    }),
  ]
}
