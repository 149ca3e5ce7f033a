import { type Effect } from './diff-resources.ts'
import { type FeatureView, type Field } from './feature-view.ts'
import { type FieldType } from './field-types.ts'
import { type Model } from './model.ts'
import { changeNotYet } from './not-yet.ts'
import { modelsReading, servedFields } from './references.ts'
import { qualifiedName } from './resource.ts'

interface Verdict {
  effect: Effect
  why: string
}

const refused = (why: string): Verdict => ({ effect: 'refused', why })

const wider: Readonly<Partial<Record<FieldType, readonly FieldType[]>>> = {
  int32: ['int', 'double'],
  int: ['double'],
  float: ['double'],
}

const accepts = (
  later: number | undefined,
  earlier: number | undefined,
  isWider: (later: number, earlier: number) => boolean,
): boolean => later === undefined || (earlier !== undefined && isWider(later, earlier))

/** Every rule of `to` lets pass what `from` let pass. */
function relaxes(from: Field, to: Field): boolean {
  const listed = to.enum === undefined || (from.enum !== undefined && from.enum.every((value) => to.enum!.includes(value)))
  return (
    accepts(to.min, from.min, (later, earlier) => later <= earlier) &&
    accepts(to.max, from.max, (later, earlier) => later >= earlier) &&
    accepts(to.minLength, from.minLength, (later, earlier) => later <= earlier) &&
    accepts(to.maxLength, from.maxLength, (later, earlier) => later >= earlier) &&
    accepts(to.minItems, from.minItems, (later, earlier) => later <= earlier) &&
    accepts(to.maxItems, from.maxItems, (later, earlier) => later >= earlier) &&
    listed &&
    (to.pattern === undefined || to.pattern === from.pattern)
  )
}

const rulesOf = ({ description: _, ...rules }: Field): string =>
  JSON.stringify(Object.entries(rules).toSorted(([one], [other]) => one.localeCompare(other)))

function fieldEffect(name: string, from: Field | undefined, to: Field | undefined, readers: string): Verdict {
  if (!from) {
    return to?.nullable
      ? { effect: 'inPlace', why: 'rows from now on may carry it; earlier ones have null' }
      : refused('earlier rows do not have it: make it nullable')
  }
  if (!to) return refused(`rows have it${readers}: make a new view without it`)
  if (rulesOf(from) === rulesOf(to)) return { effect: 'none', why: 'words for readers' }
  if (from.type !== to.type && !wider[from.type]?.includes(to.type))
    return refused(`a ${from.type} cannot become a ${to.type}${readers}: make a new view`)
  if (from.nullable && !to.nullable) return refused(`rows may have null in it${readers}: make a new view`)
  if (!relaxes(from, to)) return refused(`earlier rows were accepted by a wider rule${readers}: make a new view`)
  return {
    effect: 'inPlace',
    why: from.type === to.type ? 'rows from now on are held to it' : `every ${from.type} is a ${to.type}`,
  }
}

/** Built again, unless a model reads what would no longer be served, or would be of another type. */
function aggregationEffect(from: FeatureView, to: FeatureView, models: readonly Model[]): Verdict {
  const after = servedFields(to)
  for (const [name, { type }] of servedFields(from)) {
    const readers = modelsReading(from, models, name).map(({ metadata }) => qualifiedName(metadata))
    if (readers.length > 0 && after.get(name)?.type !== type)
      return refused(
        `${name} would ${after.has(name) ? 'change its type' : 'go'}, and ${readers.join(', ')} read it: make a new view`,
      )
  }
  return { effect: 'rebuild', why: 'built from segments in the background, then swapped' }
}

const inPlace: Readonly<Record<string, string>> = {
  'spec.ttl': 'look-ups and datasets follow it from now on',
  'spec.freshness': 'findings follow it from now on',
  'spec.source.idleAfter': 'the watermark follows it from now on',
}

/** What a change at `path` of a view brings about. */
export function viewEffect(path: readonly string[], from: FeatureView, to: FeatureView, models: readonly Model[]): Verdict {
  const field = path.join('.')
  const readBy = (name?: string): string => {
    const names = modelsReading(from, models, name).map(({ metadata }) => qualifiedName(metadata))
    return names.length > 0 ? `, and ${names.join(', ')} read${names.length === 1 ? 's' : ''} it` : ''
  }
  if (path[0] === 'metadata') return { effect: 'none', why: 'words for readers' }
  if (path[1] === 'fields') return fieldEffect(path[2]!, from.spec.fields[path[2]!], to.spec.fields[path[2]!], readBy(path[2]))
  const reason = inPlace[field]
  if (reason !== undefined) return { effect: 'inPlace', why: reason }
  if (path[1] === 'aggregations') return aggregationEffect(from, to, models)
  if (path[1] === 'entity') {
    const missing = changeNotYet('FeatureView', `spec.${path[1]}`)
    return missing
      ? refused(`not supported yet: ${missing.what}${readBy()}: ${missing.hint}`)
      : { effect: 'rebuild', why: 'built from segments in the background, then swapped' }
  }
  return refused(`rows were read by it${readBy()}: make a new view`)
}
