import { type Metadata } from '@cascata/resources'
import { type NamedField, qualified, type View } from '../feature-views/view.ts'

/** What a feature is made of: a field of a topic, or a function of it over a window of time. */
export interface Definition {
  readonly topic: string
  readonly entity: readonly string[]
  /** Null for a count of rows. */
  readonly field: string | null
  /** Null for a field as it is. */
  readonly fn: string | null
  /** In ms. */
  readonly window: number | null
}

/** A feature as the catalogue lists it. */
export interface Feature {
  /** `namespace/view:feature`, by which lists are sorted and paged. */
  readonly id: string
  readonly namespace: string
  readonly view: string
  readonly name: string
  readonly type: NamedField['type']
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]
  readonly definition: Definition
}

/** What describes a view, for people. */
export type ViewMetadata = Pick<Metadata, 'owner' | 'description' | 'tags'>

/** The features of a view. What names its rows, entity and event time, is none of them. */
export function featuresOf(view: View, { owner, description, tags }: ViewMetadata): Feature[] {
  const { spec, windows } = view
  const naming = windows ? [] : [...spec.entity, spec.eventTime.field]
  const made = new Map(windows?.features.map((each) => [each.name, each]))
  return view.served
    .filter(({ name }) => !naming.includes(name))
    .map(({ name, type, description: ofField }) => {
      const window = made.get(name)
      return {
        id: `${qualified(view)}:${name}`,
        namespace: view.namespace,
        view: view.name,
        name,
        type,
        description: ofField ?? description,
        owner,
        tags,
        definition: {
          topic: spec.source.topic,
          entity: spec.entity,
          field: window && windows ? windows.levels[window.level]!.slots[window.slot]!.field : name,
          fn: window?.fn ?? null,
          window: window?.window ?? null,
        },
      }
    })
}

/** What is searched for; every part must fit, in any case of letters. */
export interface Search {
  /** In the names of feature and view, or in what is said about them. */
  readonly q?: string | undefined
  readonly name?: string | undefined
  readonly view?: string | undefined
  readonly namespace?: string | undefined
  readonly tag?: string | undefined
  readonly owner?: string | undefined
  readonly type?: string | undefined
  readonly topic?: string | undefined
}

/** Whether a feature is what is searched for: name and owner by a part of them, the others as a whole. */
export function matches({ q, name, view: ofView, namespace, tag, owner, type, topic }: Search, feature: Feature): boolean {
  const has = (text: string, part: string | undefined) => part === undefined || text.toLowerCase().includes(part.toLowerCase())
  const is = (text: string, other: string | undefined) => other === undefined || text.toLowerCase() === other.toLowerCase()
  const { view, description, definition } = feature
  return (
    [`${view}:${feature.name}`, description, ...feature.tags].some((text) => has(text, q)) &&
    has(feature.name, name) &&
    is(view, ofView) &&
    is(feature.namespace, namespace) &&
    (tag === undefined || feature.tags.some((each) => is(each, tag))) &&
    has(feature.owner, owner) &&
    is(feature.type, type) &&
    is(definition.topic, topic)
  )
}

/** One page of features, sorted by id, and after which one the next begins; null on the last. */
export function pageOf<Item extends { readonly id: string }>(
  items: readonly Item[],
  { after, limit }: { after?: string | undefined; limit: number },
): { page: Item[]; next: string | null } {
  const rest = items.filter(({ id }) => after === undefined || id > after).sort((a, b) => (a.id < b.id ? -1 : 1))
  const page = rest.slice(0, limit)
  return { page, next: rest.length > limit ? page.at(-1)!.id : null }
}
