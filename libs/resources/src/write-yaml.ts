import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { featureViewShape } from './feature-view.ts'
import { asWritten, completed, modelShape } from './model.ts'
import { type Resource } from './resource.ts'
import { isMapping } from './shape.ts'

/** A resource as a user would write it, as plain values: durations with units, shares with percent signs, `none`. */
export const written = (resource: Resource): Record<string, unknown> =>
  (resource.kind === 'FeatureView' ? featureViewShape.write(resource) : modelShape.write(asWritten(resource))) as Record<
    string,
    unknown
  >

/** What a written document means; undefined where something needed is missing. */
function readBack(document: Record<string, unknown>): Resource | undefined {
  const ignore = () => undefined
  if (document['kind'] === 'FeatureView') return featureViewShape.read(document, [], ignore)
  const model = modelShape.read(document, [], ignore)
  return model && completed(model)
}

/** Leaves out what says the same when it is missing, from the leaves up. */
function withoutDefaults(document: Record<string, unknown>): Record<string, unknown> {
  const full = readBack(structuredClone(document))
  const lean = (path: string[]): void => {
    const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, document)
    const name = path.at(-1)!
    const value = parent[name]
    if (isMapping(value)) Object.keys(value).forEach((each) => lean([...path, each]))
    delete parent[name]
    if (!isDeepStrictEqual(readBack(document), full)) parent[name] = value
  }
  const order = Object.keys(document)
  for (const name of ['metadata', 'spec']) Object.keys(document[name] as object).forEach((each) => lean([name, each]))
  return Object.fromEntries(order.map((name) => [name, document[name]]))
}

/**
 * Resources as a YAML stream that reads back to the same.
 *
 * @param defaults whether what equals its default is written too
 */
export function toYaml(resources: Resource | readonly Resource[], { defaults = true }: { defaults?: boolean } = {}): string {
  const all = Array.isArray(resources) ? (resources as readonly Resource[]) : [resources as Resource]
  return all
    .map((resource) =>
      stringify(defaults ? written(resource) : withoutDefaults(written(resource)), {
        lineWidth: 0,
        aliasDuplicateObjects: false,
      }),
    )
    .join('---\n')
}
