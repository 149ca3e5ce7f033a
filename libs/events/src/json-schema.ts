import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { z } from 'zod'

/** A JSON Schema document, draft 7. */
export type JsonSchema = { readonly [keyword: string]: unknown }

const mostViolations = 10

const withFormats = (ajv: Ajv): Ajv => formats.default(ajv)

// Stops at the first error: the hot path only asks yes or no. The reporter runs on what has failed already.
const fast = withFormats(
  new Ajv({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true, addUsedSchema: false }),
)
const reporter = withFormats(
  new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, addUsedSchema: false }),
)

/** zod's own pattern for a date-time repeats what the format checks; `Z$` is what is ours: UTC. */
const inOurWords = ({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void => {
  if (jsonSchema['format'] === 'date-time') jsonSchema['pattern'] = 'Z$'
  const names = jsonSchema['propertyNames'] as Record<string, unknown> | undefined
  if (names && Object.keys(names).length === 1 && names['type'] === 'string') delete jsonSchema['propertyNames']
}

const schemaOf = (shape: z.ZodType): JsonSchema => {
  // `input`: unknown fields stay allowed, at every depth.
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { target: 'draft-7', io: 'input', override: inOurWords })
  return schema as JsonSchema
}

export interface Validator {
  schema(): JsonSchema
  /** What is wrong, at most ten places; undefined when nothing is. */
  violations(data: unknown): { path: string; message: string }[] | undefined
}

const explain = (check: ValidateFunction, data: unknown): { path: string; message: string }[] => {
  check(data)
  return (check.errors ?? []).slice(0, mostViolations).map(({ instancePath, message, params }) => ({
    path: instancePath,
    message: `${message ?? 'is invalid'}${Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(', ')}` : ''}`,
  }))
}

/** A validator of a zod shape, run by ajv: compiled when first asked, then some million checks a second. */
export const compile = (shape: z.ZodType): Validator => {
  let schema: JsonSchema | undefined
  let check: ValidateFunction | undefined
  let report: ValidateFunction | undefined
  const described = (): JsonSchema => (schema ??= schemaOf(shape))
  return {
    schema: described,
    violations(data) {
      check ??= fast.compile(described())
      if (check(data)) return undefined
      report ??= reporter.compile(described())
      return explain(report, data)
    },
  }
}
