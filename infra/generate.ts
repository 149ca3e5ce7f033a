import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { catalogue, eventsMarkdown, incompatibilities, type JsonSchema, schemaFileOf, schemaText } from '@cascata/events'
import { generate as resourceSchemas } from '@cascata/resources'
import { type ApiDocument, errorSet, generateApiDoc, generateErrorsDoc, serviceErrors } from '@cascata/service'
import { generateDashboards } from './dashboards/index.ts'

const root = join(import.meta.dirname, '..')

/** A file that is generated and committed: its path in the repository and what it should hold. */
interface Generated {
  readonly path: string
  readonly content: string
}

const schemaFolder = 'libs/events/schemas'

const schemas = (): Generated[] =>
  catalogue.map((event) => ({ path: join(schemaFolder, schemaFileOf(event)), content: schemaText(event) }))

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return otherwise
  }
}

/** Committed schemas whose event is gone. */
const orphans = (files: readonly Generated[]): string[] => {
  const wanted = new Set(files.map(({ path }) => path))
  mkdirSync(join(root, schemaFolder), { recursive: true })
  return readdirSync(join(root, schemaFolder))
    .map((name) => join(schemaFolder, name))
    .filter((path) => !wanted.has(path))
}

/** A committed schema is a promise: what would break it is not written, it has to be a new version. */
const brokenPromises = (files: readonly Generated[]): string[] => [
  ...orphans(files).map((path) => `${path} was removed`),
  ...files.flatMap(({ path, content }) => {
    const committed = readOr(path, '')
    if (committed === '') return []
    return incompatibilities(JSON.parse(committed) as JsonSchema, JSON.parse(content) as JsonSchema).map(
      (what) => `${path}#${what}`,
    )
  }),
]

/** The coded errors of every app that has some, below those of all apps. */
const errorsDoc = async (): Promise<Generated> => {
  const apps = globSync('apps/*/src/errors.ts', { cwd: root }).sort()
  const sets = apps.map(async (file) => errorSet(file.split('/')[1]!, (await import(join(root, file))) as object))
  return { path: 'docs/errors.md', content: generateErrorsDoc([serviceErrors, ...(await Promise.all(sets))]) }
}

/** The routes of every app, from the OpenAPI documents that the end-to-end test of the pages holds to what they answer. */
const apiDoc = (): Generated => {
  const documents = globSync('apps/*/openapi.json', { cwd: root })
    .sort()
    .map((file) => [file.split('/')[1]!, JSON.parse(readOr(file, '{}')) as ApiDocument] as const)
  return { path: 'docs/api.md', content: generateApiDoc(readOr('infra/api/head.md', ''), Object.fromEntries(documents)) }
}

const write = ({ path, content }: Generated): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  console.log(`wrote ${path}`)
}

const contracts = schemas()
const broken = brokenPromises(contracts)
if (broken.length > 0 && !process.argv.includes('--break-contracts')) {
  console.error(`Not additive, so it has to be a new version of the event:\n${broken.map((line) => `  ${line}`).join('\n')}`)
  process.exit(1)
}

const files = [
  ...contracts,
  ...resourceSchemas(),
  { path: 'docs/events.md', content: eventsMarkdown(catalogue) },
  await errorsDoc(),
  apiDoc(),
  ...generateDashboards(),
]
const stale = files.filter(({ path, content }) => readOr(path, '') !== content)

if (process.argv.includes('--check')) {
  for (const path of [...stale.map((file) => file.path), ...orphans(contracts)])
    console.error(`${path} is not up to date: npm run generate`)
  process.exit(stale.length + orphans(contracts).length === 0 ? 0 : 1)
}
for (const path of orphans(contracts)) rmSync(join(root, path))
stale.forEach(write)
