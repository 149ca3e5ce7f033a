import { type z } from 'zod'
import { compile, type JsonSchema } from './json-schema.ts'
import { type Topic } from './topics.ts'

/** The processes that publish or read events. */
export type App = 'registry' | 'feature-store' | 'dispatcher' | 'deployer' | 'inference' | 'monitor' | 'console' | 'cli'

/** What is written down about an event: everything that anybody may know about it. */
export interface EventContract<Shape extends z.ZodType> {
  /** `aggregate.fact`, in the past tense. */
  readonly name: string
  readonly version: number
  readonly topic: Topic
  readonly producer: App | readonly App[]
  /** The apps with a handler for it; people, the command and the console read the whole log. */
  readonly consumers: readonly App[]
  readonly meaning: string
  /** The Kafka key: events of one key keep their order. */
  readonly key: (data: z.infer<Shape>) => string
  /** The CloudEvents subject; the key unless said otherwise. */
  readonly subject?: (data: z.infer<Shape>) => string
  /** The payload. Fields that are not listed are let through: a producer may add one before its readers know it. */
  readonly data: Shape
  /** Realistic payloads; every consumer's test runs all of them. */
  readonly examples: readonly [z.infer<Shape>, ...z.infer<Shape>[]]
}

/** An event as code uses it: its contract, its type on the wire and its compiled validator. */
export interface EventDefinition<Data = unknown> {
  readonly name: string
  readonly version: number
  /** `cascata.<name>.v<version>` */
  readonly type: string
  readonly topic: Topic
  readonly producers: readonly App[]
  readonly consumers: readonly App[]
  readonly meaning: string
  // Methods, so that a definition of some data is also a definition of unknown data.
  key(data: Data): string
  subject(data: Data): string
  /** The payload as JSON Schema (draft 7). */
  readonly schema: JsonSchema
  readonly examples: readonly Data[]
  /** The payload, checked. Throws {@link InvalidEvent} with the paths of what is wrong. */
  validate(data: unknown): Data
}

/** The payload of an event: `DataOf<typeof labelsRipened>`. */
export type DataOf<Definition> = Definition extends EventDefinition<infer Data> ? Data : never

/** Where a payload or an envelope is wrong: a JSON pointer, and what was expected there. */
export interface Violation {
  readonly path: string
  readonly message: string
}

/** Why something that came from a topic is no event of ours. */
export type InvalidEventCode =
  'EVENT_DATA_INVALID' | 'EVENT_ENVELOPE_INVALID' | 'EVENT_NOT_JSON' | 'EVENT_NO_VALUE' | 'EVENT_TOO_LARGE' | 'EVENT_TYPE_UNKNOWN'

/** An event that breaks its contract; trying again never helps. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent'
  readonly code: InvalidEventCode
  readonly type: string
  readonly violations: readonly Violation[]

  constructor(code: InvalidEventCode, type: string, violations: readonly Violation[]) {
    super(`${code}: ${type}: ${violations.map(({ path, message }) => `${path || '/'} ${message}`).join('; ')}`)
    this.code = code
    this.type = type
    this.violations = violations
  }
}

/** Makes an event of its contract. The validator is compiled at the first use and kept. */
export const defineEvent = <Shape extends z.ZodType>(contract: EventContract<Shape>): EventDefinition<z.infer<Shape>> => {
  type Data = z.infer<Shape>
  const type = `cascata.${contract.name}.v${contract.version}`
  const validator = compile(contract.data)
  return {
    name: contract.name,
    version: contract.version,
    type,
    topic: contract.topic,
    producers: typeof contract.producer === 'string' ? [contract.producer] : contract.producer,
    consumers: contract.consumers,
    meaning: contract.meaning,
    key: contract.key,
    subject: contract.subject ?? contract.key,
    get schema() {
      return validator.schema()
    },
    examples: contract.examples,
    validate(data) {
      const violations = validator.violations(data)
      if (violations) throw new InvalidEvent('EVENT_DATA_INVALID', type, violations)
      return data as Data
    },
  }
}
