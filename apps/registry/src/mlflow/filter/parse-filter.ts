import { refuse } from '../wire.ts'

export type FilterSubject = 'metric' | 'param' | 'tag' | 'attribute' | 'dataset'
export type Comparator = '=' | '!=' | '>' | '>=' | '<' | '<=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN'

/** One comparison of a filter. All of them have to hold: MLflow's language has no OR. */
export interface Clause {
  readonly subject: FilterSubject
  readonly key: string
  readonly comparator: Comparator
  readonly value: string | number | readonly string[]
}

type Token =
  | { readonly is: 'string' | 'quoted' | 'word' | 'symbol'; readonly text: string }
  | { readonly is: 'number'; readonly text: string; readonly value: number }

const subjects: Readonly<Record<string, FilterSubject>> = {
  metric: 'metric',
  metrics: 'metric',
  param: 'param',
  params: 'param',
  parameter: 'param',
  parameters: 'param',
  tag: 'tag',
  tags: 'tag',
  attr: 'attribute',
  attribute: 'attribute',
  attributes: 'attribute',
  run: 'attribute',
  dataset: 'dataset',
  datasets: 'dataset',
}

const lexer =
  /\s*(?:'(?<string>(?:[^'\\]|\\.)*)'|"(?<double>[^"]*)"|`(?<backtick>[^`]*)`|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])|(?<symbol>>=|<=|!=|=|>|<|\(|\)|,|\.)|(?<word>[A-Za-z_][\w/-]*))/y

const tokensOf = (filter: string): Token[] => {
  const tokens: Token[] = []
  const trimmed = filter.trimEnd()
  lexer.lastIndex = 0
  while (lexer.lastIndex < trimmed.length) {
    const start = lexer.lastIndex
    const groups = lexer.exec(trimmed)?.groups
    if (!groups) return refuse(`Invalid clause(s) in filter string: '${trimmed.slice(start).trim().slice(0, 100)}'`)
    const { string, double, backtick, number, symbol, word } = groups
    if (string !== undefined) tokens.push({ is: 'string', text: string.replaceAll(/\\(.)/g, '$1') })
    else if (double !== undefined || backtick !== undefined) tokens.push({ is: 'quoted', text: (double ?? backtick)! })
    else if (number !== undefined) tokens.push({ is: 'number', text: number, value: Number(number) })
    else if (symbol !== undefined) tokens.push({ is: 'symbol', text: symbol })
    else tokens.push({ is: 'word', text: word! })
  }
  return tokens
}

/** Reads tokens from left to right. */
interface Cursor {
  peek(): Token | undefined
  next(): Token | undefined
}

const cursorOver = (tokens: readonly Token[]): Cursor => {
  let index = 0
  return { peek: () => tokens[index], next: () => tokens[index++] }
}

const isWord = (token: Token | undefined, word: string): boolean => token?.is === 'word' && token.text.toUpperCase() === word

const isSymbol = (token: Token | undefined, symbol: string): boolean => token?.is === 'symbol' && token.text === symbol

/** `metrics.a`, `params."my key"`, ``tags.`mlflow.source.name` ``, `attributes.status`, or a bare attribute. Unquoted keys may hold dots. */
const identifier = (cursor: Cursor): { subject: FilterSubject; key: string } => {
  const first = cursor.next()
  if (first?.is !== 'word')
    return refuse(`Invalid clause(s) in filter string: expected an identifier, found '${first?.text ?? 'the end'}'`)
  if (!isSymbol(cursor.peek(), '.')) return { subject: 'attribute', key: first.text }
  const subject = Object.hasOwn(subjects, first.text.toLowerCase()) ? subjects[first.text.toLowerCase()]! : undefined
  if (!subject)
    return refuse(`Invalid entity type '${first.text}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']`)
  const parts: string[] = []
  while (isSymbol(cursor.peek(), '.')) {
    cursor.next()
    const part = cursor.next()
    if (!part || part.is === 'symbol' || part.is === 'string')
      return refuse(`Invalid identifier '${first.text}.'. A key is missing.`)
    parts.push(part.text)
  }
  return { subject, key: parts.join('.') }
}

const comparisons: readonly string[] = ['=', '!=', '>', '>=', '<', '<=']

const comparator = (cursor: Cursor): Comparator => {
  const token = cursor.next()
  const word = token?.text.toUpperCase() ?? ''
  if (token?.is === 'symbol' && comparisons.includes(word)) return word as Comparator
  if (token?.is === 'word' && (word === 'LIKE' || word === 'ILIKE' || word === 'IN')) return word
  if (token?.is === 'word' && word === 'NOT' && isWord(cursor.peek(), 'IN')) {
    cursor.next()
    return 'NOT IN'
  }
  return refuse(`Invalid clause(s) in filter string: expected a comparator, found '${token?.text ?? 'the end'}'`)
}

const list = (cursor: Cursor): string[] => {
  const values: string[] = []
  if (!isSymbol(cursor.next(), '('))
    return refuse('Invalid clause(s) in filter string: expected a list of strings in parentheses')
  for (;;) {
    const value = cursor.next()
    if (value?.is !== 'string' && value?.is !== 'quoted')
      return refuse('Invalid clause(s) in filter string: a list holds quoted strings')
    values.push(value.text)
    const after = cursor.next()
    if (isSymbol(after, ')')) return values
    if (!isSymbol(after, ',')) return refuse('Invalid clause(s) in filter string: a list is separated by commas')
  }
}

const value = (cursor: Cursor): string | number => {
  const token = cursor.next()
  if (token?.is === 'number') return token.value
  if (token?.is === 'string' || token?.is === 'quoted') return token.text
  return refuse(`Invalid clause(s) in filter string: expected a quoted string or a number, found '${token?.text ?? 'the end'}'`)
}

const mostClauses = 100

/**
 * The comparisons of a filter string; empty for an empty one. Pure; knows the language, not which keys exist.
 * Throws `INVALID_PARAMETER_VALUE` for OR, NOT, parentheses, IS NULL, `;` and everything else that is no comparison.
 */
export const parseFilter = (filter: string): Clause[] => {
  if (filter.length > 10_000) return refuse('The filter string is longer than 10000 characters.')
  const tokens = tokensOf(filter)
  const cursor = cursorOver(tokens)
  const clauses: Clause[] = []
  while (cursor.peek()) {
    if (clauses.length === mostClauses) return refuse(`A filter string holds at most ${mostClauses} comparisons.`)
    const { subject, key } = identifier(cursor)
    const compared = comparator(cursor)
    clauses.push({
      subject,
      key,
      comparator: compared,
      value: compared === 'IN' || compared === 'NOT IN' ? list(cursor) : value(cursor),
    })
    const after = cursor.next()
    if (after && !isWord(after, 'AND')) return refuse(`Invalid clause(s) in filter string: '${after.text}'`)
  }
  return clauses
}

/** `metrics.auc DESC` → what to order by. */
export interface Ordering {
  readonly subject: FilterSubject
  readonly key: string
  readonly descending: boolean
}

/** One `order_by` entry. Throws `INVALID_PARAMETER_VALUE`. */
export const parseOrder = (order: string): Ordering => {
  const cursor = cursorOver(tokensOf(order))
  const clause = `order_by clause '${order.slice(0, 100)}'`
  if (!cursor.peek()) return refuse(`Invalid ${clause}. Could not be parsed.`)
  const { subject, key } = identifier(cursor)
  const direction = cursor.next()
  if (cursor.peek()) return refuse(`Invalid ${clause}. Could not be parsed.`)
  if (direction && !isWord(direction, 'ASC') && !isWord(direction, 'DESC')) return refuse(`Invalid ordering key in ${clause}.`)
  return { subject, key, descending: isWord(direction, 'DESC') }
}
