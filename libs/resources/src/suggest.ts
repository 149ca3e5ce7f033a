/** What people write when they mean something of ours: other tools' names for the same thing. */
const synonyms: Readonly<Record<string, string>> = {
  integer: 'int',
  long: 'int',
  bigint: 'int',
  number: 'double',
  float64: 'double',
  float32: 'float',
  str: 'string',
  text: 'string',
  varchar: 'string',
  binary: 'bytes',
  blob: 'bytes',
  datetime: 'timestamp',
  date: 'timestamp',
  entities: 'entity',
  schema: 'fields',
  columns: 'fields',
  target: 'label',
  classification: 'binary',
  iso: 'iso8601',
  unix: 'unix-s',
  minimum: 'min',
  maximum: 'max',
  optional: 'nullable',
}

/** Edit distance with transpositions (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

const plain = (word: string) => word.toLowerCase().replaceAll(/[-_ ]/g, '')

/** The word of `known` that `written` was probably meant to be, if one is near enough. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  if (written.length > 64) return undefined
  const synonym = synonyms[written.toLowerCase()]
  if (synonym !== undefined && known.includes(synonym)) return synonym
  const [best] = known
    .map((word) => ({ word, away: distance(plain(written), plain(word)) }))
    .filter(({ word, away }) => away <= Math.max(1, Math.floor(Math.min(word.length, written.length) / 3)))
    .sort((one, other) => one.away - other.away)
  return best?.word
}

/** The hint for an unknown word: what was probably meant, else what is known. */
export function didYouMean(written: string, known: readonly string[]): string | undefined {
  const word = nearest(written, known)
  if (word !== undefined) return `did you mean ${word}?`
  if (known.length === 0) return undefined
  const shown = known.slice(0, 24)
  return `known: ${shown.join(', ')}${known.length > shown.length ? ', …' : ''}`
}
