import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { catalogue, eventOfType } from './catalogue.ts'
import { incompatibilities } from './compatibility.ts'
import { type JsonSchema } from './json-schema.ts'
import { eventsMarkdown, schemaFileOf, schemaText } from './markdown.ts'
import { deadLetterTopic, topics } from './topics.ts'

const root = join(import.meta.dirname, '../../..')
const schemas = 'libs/events/schemas'
const onDisk = (path: string): string => readFileSync(join(root, path), 'utf8')

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

/** Where this branch left the main one, else the last commit; undefined outside of a git checkout. */
const promisedIn = (): string | undefined => {
  for (const candidate of [
    ['merge-base', 'HEAD', 'origin/main'],
    ['rev-parse', 'HEAD'],
  ]) {
    try {
      return git(...candidate)
    } catch {
      continue
    }
  }
  return undefined
}

/** Schemas that have changed since, as they were promised. */
const promises = (base: string): [file: string, text: string][] =>
  git('diff', '--name-only', '--diff-filter=MD', base, '--', schemas)
    .split('\n')
    .filter(Boolean)
    .map((path) => [basename(path), git('show', `${base}:${path}`)])

describe('every event', () => {
  it.each(catalogue.map((event) => [event.type, event] as const))('%s keeps its own contract', (type, event) => {
    expect(type).toMatch(/^cascata\.[a-z]+\.[a-z]+\.v[1-9]\d*$/)
    expect(eventOfType(type)).toBe(event)
    expect(event.examples.length).toBeGreaterThan(0)
    for (const example of event.examples) {
      expect(event.validate(example)).toBe(example)
      expect(event.key(example)).toMatch(/^[^/]+(\/[^/]+)*$/)
      expect(JSON.parse(JSON.stringify(example))).toEqual(example)
    }
  })

  it.each(catalogue.map((event) => [event.type, event] as const))(
    '%s lets unknown fields through and refuses missing ones',
    (_, event) => {
      const example = event.examples[0] as Record<string, unknown>
      expect(() => event.validate({ ...example, addedLater: { by: 'a producer' } })).not.toThrow()
      for (const field of event.schema['required'] as string[]) {
        const { [field]: _missing, ...rest } = example
        expect(() => event.validate(rest)).toThrow(/EVENT_DATA_INVALID/)
      }
      for (const wrong of [null, 7, 'text', [], [example]]) expect(() => event.validate(wrong)).toThrow(/EVENT_DATA_INVALID/)
    },
  )

  it('has a type of its own and lies on a topic of the platform', () => {
    expect(new Set(catalogue.map(({ type }) => type)).size).toBe(catalogue.length)
    for (const { topic } of catalogue) expect(topics).toContain(topic)
  })

  it('has a generation when its topic is compacted', () => {
    for (const event of catalogue.filter(({ topic }) => topic.compacted)) expect(event.schema['required']).toContain('generation')
  })
})

describe('topics', () => {
  it('have names of their own, and dead letters beside them', () => {
    expect(new Set(topics.map(({ name }) => name)).size).toBe(topics.length)
    expect(deadLetterTopic('flights', 'cascata.features.default.flights')).toBe('flights.cascata.features.default.flights.dlq')
  })
})

describe('what is committed', () => {
  it('is exactly what the code says (else: npm run generate)', () => {
    expect(readdirSync(join(root, schemas)).sort()).toEqual(catalogue.map(schemaFileOf).sort())
    for (const event of catalogue) expect(onDisk(join(schemas, schemaFileOf(event)))).toBe(schemaText(event))
    expect(onDisk('docs/events.md')).toBe(eventsMarkdown(catalogue))
  })

  it('only adds to what was promised (else: a new version of the event)', () => {
    const base = promisedIn()
    if (base === undefined) return
    const broken = promises(base).flatMap(([file, text]) => {
      const event = catalogue.find((candidate) => schemaFileOf(candidate) === file)
      return event
        ? incompatibilities(JSON.parse(text) as JsonSchema, event.schema).map((what) => `${file}${what}`)
        : [`${file} was removed`]
    })
    expect(broken).toEqual([])
  })
})
