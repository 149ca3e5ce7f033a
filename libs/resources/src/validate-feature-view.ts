import { type Aggregation, type FeatureView, type Field, type FieldType } from './feature-view.ts'
import { isFieldName, reservedColumns } from './names.ts'
import { type Issue } from './shape.ts'
import { didYouMean } from './suggest.ts'
import { aggregateName, hopOf, longestAllowed } from './windows.ts'

const numeric: readonly FieldType[] = ['int', 'int32', 'float', 'double']

const issue = (path: Issue['path'], message: string, hint?: string, on: Issue['on'] = 'value'): Issue => ({
  path,
  on,
  message,
  hint,
})

function validateEntity({ spec }: FeatureView): Issue[] {
  return spec.entity.flatMap((name, index) => {
    const path = ['spec', 'entity', index]
    const field = spec.fields[name]
    if (!field) return [issue(path, `${name} is not among the fields`, didYouMean(name, Object.keys(spec.fields)))]
    if (field.nullable) return [issue(path, `${name} is nullable, and an entity never is`, 'leave nullable out')]
    if (field.type === 'float' || field.type === 'double')
      return [issue(path, `${name} is a ${field.type}: keys have to compare exactly`, 'use string or int')]
    return reservedColumns.includes(name)
      ? [issue(path, `${name} is the name of a column of every dataset`, 'call the field something else')]
      : []
  })
}

function validateEventTime({ spec }: FeatureView): Issue[] {
  const path = ['spec', 'eventTime', 'field']
  const field = spec.fields[spec.eventTime.field]
  if (!field)
    return [
      issue(path, `${spec.eventTime.field} is not among the fields`, didYouMean(spec.eventTime.field, Object.keys(spec.fields))),
    ]
  if (field.type !== 'timestamp') return [issue(path, `${spec.eventTime.field} is a ${field.type}, expected a timestamp`)]
  return field.nullable ? [issue(path, `${spec.eventTime.field} is nullable, and an event time never is`)] : []
}

/** A regular expression that can take exponential time: a repeated group that repeats something itself, or looks back. */
const isDangerous = (pattern: string): boolean =>
  /\([^()]*[*+}][^()]*\)\s*[*+{]/.test(pattern) || /\\[1-9]|\(\?[=!<]|\(.*\(.*\).*\)\s*[*+{]/.test(pattern)

function compiles(pattern: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'v') instanceof RegExp
  } catch {
    return false
  }
}

function validatePattern(path: Issue['path'], pattern: string): Issue[] {
  if (!compiles(pattern)) return [issue([...path, 'pattern'], 'is no regular expression of JavaScript (v flag)')]
  return isDangerous(pattern)
    ? [issue([...path, 'pattern'], 'can take exponential time', 'no look-around, back-references or repeated groups that repeat')]
    : []
}

function validateField(name: string, field: Field): Issue[] {
  const path = ['spec', 'fields', name]
  const issues: Issue[] = []
  const onlyFor = (rule: keyof Field, types: readonly FieldType[]) => {
    if (field[rule] !== undefined && !types.includes(field.type))
      issues.push(issue([...path, rule], `is no rule for a ${field.type}`, `only for ${types.join(', ')}`))
  }
  onlyFor('min', numeric)
  onlyFor('max', numeric)
  for (const rule of ['minLength', 'maxLength', 'pattern'] as const) onlyFor(rule, ['string'])
  onlyFor('enum', ['string', 'int', 'int32'])
  if (field.min !== undefined && field.max !== undefined && field.min > field.max)
    issues.push(issue([...path, 'max'], `is less than min (${field.min})`))
  if (field.minLength !== undefined && field.maxLength !== undefined && field.minLength > field.maxLength) {
    issues.push(issue([...path, 'maxLength'], `is less than minLength (${field.minLength})`))
  }
  const kind = field.type === 'string' ? 'string' : 'number'
  const odd = (field.enum ?? []).findIndex(
    (value) => typeof value !== kind || (kind === 'number' && !Number.isSafeInteger(value)),
  )
  if (odd >= 0)
    issues.push(
      issue([...path, 'enum', odd], `expected a value of type ${field.type}`, kind === 'string' ? 'quote it' : undefined),
    )
  return field.pattern === undefined ? issues : [...issues, ...validatePattern(path, field.pattern)]
}

function validateWindows(name: string, { windows }: Aggregation): Issue[] {
  return windows.flatMap((window, index) => {
    const path = ['spec', 'aggregations', name, 'windows', index]
    const served = aggregateName(name, window)
    const same = windows.findIndex(({ ms }) => ms === window.ms)
    if (same < index) return [issue(path, `is as long as ${windows[same]!.name}`, 'leave one of them out')]
    if (window.ms < hopOf(window.ms)) return [issue(path, 'is shorter than the hop of its tail (5m)')]
    if (window.ms > longestAllowed) return [issue(path, 'is longer than 1000d')]
    return isFieldName(served)
      ? []
      : [issue(path, `would be served as ${served}, which is no field name`, 'write whole numbers, and a shorter name')]
  })
}

function validateInput(name: string, { fn, of }: Aggregation, { spec }: FeatureView): Issue[] {
  const path = ['spec', 'aggregations', name]
  if (of === undefined) return fn === 'count' ? [] : [issue([...path, 'of'], `is missing: ${fn} needs a field`, undefined, 'key')]
  const field = spec.fields[of]
  if (!field) return [issue([...path, 'of'], `${of} is not among the fields`, didYouMean(of, Object.keys(spec.fields)))]
  const wantsNumber = fn !== 'count' && fn !== 'last'
  return wantsNumber && !numeric.includes(field.type)
    ? [issue([...path, 'of'], `${of} is a ${field.type}, and ${fn} needs a number`)]
    : []
}

/** What is wrong with a view, apart from its shape. */
export function validateFeatureView(view: FeatureView): Issue[] {
  return [
    ...validateEntity(view),
    ...validateEventTime(view),
    ...Object.entries(view.spec.fields).flatMap(([name, field]) => validateField(name, field)),
    ...Object.entries(view.spec.aggregations).flatMap(([name, aggregation]) => [
      ...validateWindows(name, aggregation),
      ...validateInput(name, aggregation, view),
    ]),
  ]
}
