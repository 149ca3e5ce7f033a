import { nameOfResource } from './names.ts'
import { defaulted, object, required } from './object.ts'
import { type Infer, list } from './shape.ts'
import { text } from './scalars.ts'

export const apiVersion = 'cascata/v1'

export const metadata = object('metadata: {name: …}', {
  name: required(nameOfResource(), 'the name of the resource, unique per kind and namespace'),
  namespace: defaulted(nameOfResource(), 'default', 'part of every key, token scope and metric'),
  owner: defaulted(text({ max: 200 }), '', 'who answers for it'),
  description: defaulted(text({ max: 4000 }), '', 'what it is, for readers'),
  tags: defaulted(list(text({ min: 1, max: 100 }), { max: 50, unique: true }), [], 'words to find it by'),
})

export type Metadata = Infer<typeof metadata>
