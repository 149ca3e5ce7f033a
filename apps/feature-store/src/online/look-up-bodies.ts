import { z } from 'zod'
import { lookupInvalid } from '../errors.ts'
import { parseExact } from '../ingest/validate-fields.ts'

const entities = z.record(z.string().max(200), z.array(z.unknown()).max(1_000_000))
const ownBody = z.object({
  namespace: z.string().default('default'),
  features: z.array(z.string().max(300)).optional(),
  service: z.string().max(300).optional(),
  entities,
})
const feastBody = z.object({
  features: z.array(z.string().max(300)).nullish(),
  feature_service: z.string().max(300).nullish(),
  entities,
  full_feature_names: z.boolean().nullish(),
  include_feature_view_version_metadata: z.boolean().nullish(),
  project: z.string().nullish(),
})

/** What is looked up: features by name, or those of a feature service. */
export type Wanted = { readonly is: 'features'; readonly features: string[] } | { readonly is: 'service'; readonly name: string }

export interface LookUpBody {
  readonly namespace: string
  readonly wanted: Wanted
  readonly entities: Record<string, unknown[]>
}

const parsed = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw lookupInvalid({ problem: `${path.map(String).join('.') || 'the body'}: ${message}` })
}

function wantedOf(features: string[] | null | undefined, service: string | null | undefined, names: [string, string]): Wanted {
  if (features && service) throw lookupInvalid({ problem: `it has both \`${names[0]}\` and \`${names[1]}\`` })
  if (features) return { is: 'features', features }
  if (service) return { is: 'service', name: service }
  throw lookupInvalid({ problem: `it has neither \`${names[0]}\` nor \`${names[1]}\`` })
}

/** The body of our own look-up. @throws FS_LOOKUP_INVALID */
export function parseOwnBody(body: unknown): LookUpBody {
  const { namespace, features, service, entities: given } = parsed(ownBody, body)
  return { namespace, wanted: wantedOf(features, service, ['features', 'service']), entities: given }
}

/** The body of Feast's look-up. @throws FS_LOOKUP_INVALID */
export function parseFeastBody(body: unknown): LookUpBody & { fullNames: boolean; versions: boolean } {
  const given = parsed(feastBody, body)
  return {
    namespace: given.project ?? 'default',
    wanted: wantedOf(given.features, given.feature_service, ['features', 'feature_service']),
    entities: given.entities,
    fullNames: given.full_feature_names ?? false,
    versions: given.include_feature_view_version_metadata ?? false,
  }
}

const longNumber = /\d{16}/

/** A body that was parsed, with integers beyond 2^53 exact: they are keys here. */
export const exactBody = (text: string, body: unknown): unknown => (longNumber.test(text) ? parseExact(text) : body)
