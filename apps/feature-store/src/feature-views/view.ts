import { type FeatureViewSpec, type Field } from '@cascata/resources'
import { type WindowPlan, windowPlan } from '../windows/window-plan.ts'

/** One value of a field, or of its list, once it was checked: `int` beyond 2^53 is a bigint, a timestamp is in Unix ms. */
export type PlainValue = string | number | bigint | boolean | Buffer

export type Value = PlainValue | readonly PlainValue[] | null

/** A field with its name. */
export type NamedField = Field & { readonly name: string }

/** One revision of a feature view, as this service works with it. */
export interface View {
  /** Of this life of the view: a view deleted and created again has another id, and so other keys and segments. */
  readonly id: number
  readonly namespace: string
  readonly name: string
  readonly revision: number
  readonly spec: FeatureViewSpec
  /** Sorted by name: the order in which rows are encoded and segments written, whatever order a document came in. */
  readonly fields: readonly NamedField[]
  readonly entity: readonly NamedField[]
  /** What look-ups and datasets get: the fields, or the aggregates of a windowed view. */
  readonly served: readonly NamedField[]
  /** Null for a view that serves its rows. */
  readonly windows: WindowPlan | null
}

/** Brings a view's document into the form that this service works with. */
export const viewOf = (
  identity: { id: number; namespace: string; name: string; revision: number },
  spec: FeatureViewSpec,
): View => {
  const named = (name: string): NamedField => ({ ...spec.fields[name]!, name })
  const fields = Object.keys(spec.fields).sort().map(named)
  const windows = windowPlan(spec)
  const served = windows ? windows.features.map(({ name, type }) => ({ name, type, nullable: true })) : fields
  return { ...identity, spec, fields, entity: spec.entity.map(named), served, windows }
}

/** `namespace/name`. */
export const qualified = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`

/** The consumer group of a view. */
export const groupOf = ({ namespace, name }: { namespace: string; name: string }): string =>
  `cascata.features.${namespace}.${name}`

/** How long a row answers after its event time, in ms; null: for ever. */
export const ttlOf = ({ spec }: View): number | null => spec.ttl
