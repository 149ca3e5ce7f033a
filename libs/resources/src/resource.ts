import { type FeatureView } from './feature-view.ts'
import { type Model } from './model.ts'

export type Resource = FeatureView | Model

export type Kind = Resource['kind']

export const kinds: readonly Kind[] = ['FeatureView', 'Model']

/** `kind/namespace/name`: the key on `cascata.specs` and in URLs. */
export const resourceKey = ({ kind, metadata }: { kind: string; metadata: { namespace: string; name: string } }): string =>
  `${kind}/${metadata.namespace}/${metadata.name}`

/** `namespace/name`: how facts name a view or a model. */
export const qualifiedName = (metadata: { namespace: string; name: string }): string => `${metadata.namespace}/${metadata.name}`

/** What people write for a kind: `view`, `views`, `featureview`, `model`, `models`. */
export function kindFrom(word: string): Kind | undefined {
  const plain = word.toLowerCase().replace(/s$/, '').replaceAll('-', '')
  if (plain === 'view' || plain === 'featureview') return 'FeatureView'
  return plain === 'model' ? 'Model' : undefined
}
