import { type Aggregation, type FeatureView, type Field } from './feature-view.ts'
import { isInputType, itemType, type PlainType, valueType } from './field-types.ts'
import { isFieldName, reservedColumns } from './names.ts'
import { type Issue } from './shape.ts'
import { didYouMean } from './suggest.ts'
import { aggregateName, hopOf, longestAllowed } from './windows.ts'

const numeric: readonly PlainType[] = ['int', 'int32', 'float', 'double']

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
    if (!isInputType(field.type)) return [issue(path, `${name} is a ${field.type}, and no key`, 'use string or int')]
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
  const of = valueType(field.type)
  const onlyFor = (rule: keyof Field, types: readonly PlainType[]) => {
    if (field[rule] !== undefined && !types.includes(of))
      issues.push(issue([...path, rule], `is no rule for a ${field.type}`, `only for ${types.join(', ')}, and lists of them`))
  }
  const notLess = (most: 'max' | 'maxLength' | 'maxItems', least: 'min' | 'minLength' | 'minItems') => {
    const [bound, other] = [field[most], field[least]]
    if (bound !== undefined && other !== undefined && bound < other)
      issues.push(issue([...path, most], `is less than ${least} (${other})`))
  }
  onlyFor('min', numeric)
  onlyFor('max', numeric)
  for (const rule of ['minLength', 'maxLength'] as const) onlyFor(rule, ['string', 'bytes'])
  onlyFor('pattern', ['string'])
  onlyFor('enum', ['string', 'int', 'int32'])
  for (const rule of ['minItems', 'maxItems'] as const)
    if (field[rule] !== undefined && itemType(field.type) === undefined)
      issues.push(issue([...path, rule], `is no rule for a ${field.type}`, 'only for lists'))
  notLess('max', 'min')
  notLess('maxLength', 'minLength')
  notLess('maxItems', 'minItems')
  const kind = of === 'string' ? 'string' : 'number'
  const odd = (field.enum ?? []).findIndex(
    (value) => typeof value !== kind || (kind === 'number' && !Number.isSafeInteger(value)),
  )
  if (odd >= 0)
    issues.push(issue([...path, 'enum', odd], `expected a value of type ${of}`, kind === 'string' ? 'quote it' : undefined))
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
  if (fn === 'count') return []
  const fits = fn === 'last' ? isInputType(field.type) : (numeric as readonly string[]).includes(field.type)
  return fits
    ? []
    : [issue([...path, 'of'], `${of} is a ${field.type}, and ${fn} needs ${fn === 'last' ? 'a single value' : 'a number'}`)]
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
