/** A text as Postgres keeps it: without the NUL character. */
export const storableText = (text: string): string => text.replaceAll('\0', '\ufffd')

/** NUL and half a surrogate pair, as `JSON.stringify` escapes them; not what looks so behind an escaped backslash. */
const refused = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

/** A value as jsonb that Postgres keeps; null for nothing. */
export const storableJson = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value).replaceAll(refused, '$1\\ufffd')
