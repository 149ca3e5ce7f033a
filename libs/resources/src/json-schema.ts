import { featureViewShape } from './feature-view.ts'
import { modelShape } from './model.ts'
import { type JsonSchema } from './shape.ts'

const titled = (title: string, schema: JsonSchema): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title,
  ...schema,
})

/** JSON Schemas of the documents as a user writes them, for editors; `resource.json` is either of the two. */
export const resourceSchemas: Readonly<Record<'feature-view.json' | 'model.json' | 'resource.json', JsonSchema>> = {
  'feature-view.json': titled('Cascata FeatureView', featureViewShape.schema),
  'model.json': titled('Cascata Model', modelShape.schema),
  'resource.json': titled('Cascata resource', {
    type: 'object',
    required: ['kind'],
    properties: { kind: { enum: ['FeatureView', 'Model'] } },
    if: { properties: { kind: { const: 'Model' } } },
    then: modelShape.schema,
    else: featureViewShape.schema,
  }),
}

/** The generated files of this library: paths in the repository and what they should hold. */
export const generate = (): { path: string; content: string }[] =>
  Object.entries(resourceSchemas).map(([name, schema]) => ({
    path: `libs/resources/schemas/${name}`,
    content: `${JSON.stringify(schema, null, 2)}\n`,
  }))
