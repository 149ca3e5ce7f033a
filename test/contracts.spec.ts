import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as events from '@cascata/events'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const apps = globSync('apps/*/src/consumers.ts', { cwd: root }).map((path) => path.split('/')[1]!)

const definitions = new Map(
  Object.entries(events).flatMap(([name, value]) =>
    events.catalogue.includes(value as events.EventDefinition) ? [[name, value as events.EventDefinition] as const] : [],
  ),
)

/** What an app's table of subscriptions names; predictions are read as rows, so they are not in it. */
const heardBy = (app: string): string[] => {
  const source = readFileSync(join(root, 'apps', app, 'src/consumers.ts'), 'utf8')
  const imported = /import \{([^}]*)\} from '@cascata\/events'/.exec(source)?.[1] ?? ''
  const names = imported.split(',').map((name) => name.trim())
  const rows = existsSync(join(root, 'apps', app, 'src')) ? globSync(`apps/${app}/src/**/on-predictions.ts`, { cwd: root }) : []
  return [
    ...names.flatMap((name) => definitions.get(name)?.type ?? []),
    ...(rows.length > 0 ? [events.predictionMade.type] : []),
  ].sort()
}

describe('the catalogue knows who listens', () => {
  it.each(apps.map((app) => [app]))('%s', (app) => {
    const listed = events.catalogue.filter(({ consumers }) => consumers.includes(app as events.App)).map(({ type }) => type)
    expect(heardBy(app)).toEqual(listed.sort())
  })
})
