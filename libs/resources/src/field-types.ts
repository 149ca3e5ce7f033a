import { scalar, type Shape } from './shape.ts'
import { didYouMean } from './suggest.ts'

const plainTypes = ['string', 'bytes', 'int', 'int32', 'float', 'double', 'bool', 'timestamp'] as const

/** `int` is 64-bit, `int32`, `float` (32-bit) and `double` besides; a timestamp has a precision of a millisecond. */
export type PlainType = (typeof plainTypes)[number]

/** The type of a field: one value, or a list of such values, none of which is null. */
export type FieldType = PlainType | `list<${PlainType}>`

/** What a model can take in: one number, text, truth value or time. */
export type InputType = Exclude<PlainType, 'bytes'>

/** Items of a list at most, whatever `maxItems` says. */
export const maxListItems = 16_384

const itemTypes = new Map<string, PlainType>(plainTypes.map((type) => [`list<${type}>`, type]))

/** The type of the items of a list; undefined for one value. */
export const itemType = (type: FieldType): PlainType | undefined => itemTypes.get(type)

/** The type of a value, or of the items when it is a list. */
export const valueType = (type: FieldType): PlainType => itemTypes.get(type) ?? (type as PlainType)

export const isInputType = (type: FieldType): type is InputType => type !== 'bytes' && !itemTypes.has(type)

/** Every type by its one name. */
export const fieldTypes: readonly FieldType[] = [...plainTypes, ...(itemTypes.keys() as Iterable<FieldType>)]

/** Other names that are taken, and what they become. */
const aliases: Readonly<Record<string, PlainType>> = { int64: 'int', boolean: 'bool' }

const known = new Map<string, FieldType>([
  ...fieldTypes.map((type) => [type, type] as const),
  ...Object.entries(aliases).flatMap(([alias, type]) => [[alias, type] as const, [`list<${alias}>`, `list<${type}>`] as const]),
])

/** Names that are taken as a type, aliases included. */
export const fieldTypeNames: readonly string[] = [...known.keys()]

export const fieldTypeExpected = `a type (${plainTypes.join(', ')}, or a list of one such as list<double>)`

/** How others write a list: `double[]`, `Array(double)`, `list[double]`. */
const listLike = /^(?:(\w+)\[\]|(?:array|list)\s*[[(<]\s*(\w+)\s*[\])>])$/i

function hint(written: unknown): string | undefined {
  if (typeof written !== 'string') return undefined
  const like = listLike.exec(written)
  const item = like && (like[1] ?? like[2]!)
  const list = item && known.get(`list<${item.toLowerCase()}>`)
  return list ? `did you mean ${list}?` : didYouMean(item ?? written, plainTypes)
}

const typeAmong = <T extends FieldType>(expected: string, isLegal: (type: FieldType) => type is T): Shape<T> =>
  scalar({
    expected,
    schema: { enum: [...known].flatMap(([name, type]) => (isLegal(type) ? [name] : [])) },
    parse: (written) => {
      const type = typeof written === 'string' ? known.get(written) : undefined
      return type !== undefined && isLegal(type) ? type : undefined
    },
    hint,
  })

/** The type of a field; `int64` and `boolean` are taken for `int` and `bool`. */
export const fieldType = (): Shape<FieldType> => typeAmong(fieldTypeExpected, (type): type is FieldType => known.has(type))

/** The type of a value that a model takes in, with the same names. */
export const inputType = (): Shape<InputType> =>
  typeAmong(`one of ${plainTypes.filter((type) => type !== 'bytes').join(', ')}`, isInputType)
