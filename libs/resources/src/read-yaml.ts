import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  Pair,
  type ParsedNode,
  type YAMLMap,
} from 'yaml'
import { type Path } from './shape.ts'

/** What a stream of documents may hold. */
export const yamlLimits = { bytes: 1_048_576, documents: 500, depth: 32, nodes: 100_000, tokens: 400_000 } as const

/** A place in a file; line and column count from 1. */
export interface Place {
  line: number
  column: number
}

/** Something that is no acceptable YAML. */
export interface YamlProblem extends Place {
  path: Path
  message: string
  hint?: string | undefined
}

/** One document as plain values, and where each of them stands. */
export interface YamlDocument {
  value: unknown
  /** The place of the value at a path, or of its key; of the nearest parent for what is missing. */
  place: (path: Path, on: 'key' | 'value') => Place
}

export type YamlResult = { is: 'read'; documents: YamlDocument[] } | { is: 'refused'; problems: YamlProblem[] }

const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

class Refused extends Error {
  readonly offset: number
  readonly hint: string | undefined
  readonly path: Path

  constructor(offset: number, message: string, hint?: string, path: Path = []) {
    super(message)
    this.offset = offset
    this.hint = hint
    this.path = path
  }
}

/** Counts tokens and open brackets before anything recursive sees the text. */
function refuseBombs(text: string): void {
  let [offset, tokens, depth, indicators] = [0, 0, 0, 0]
  for (const token of new Lexer().lex(text)) {
    if (++tokens > yamlLimits.tokens) throw new Refused(offset, `more than ${yamlLimits.tokens} tokens`, 'split the file')
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    indicators = /^[-?:]$/.test(token) ? indicators + 1 : token.trim() === '' && !token.includes('\n') ? indicators : 0
    if (depth > yamlLimits.depth || indicators > yamlLimits.depth)
      throw new Refused(offset, `nested deeper than ${yamlLimits.depth} levels`)
    if (token !== '\u0002' && token !== '\u0018' && token !== '\u001f') offset += token.length
  }
}

interface Walk {
  document: Document
  nodes: number
  /** Anchors that are being expanded: an alias to one of them contains itself. */
  open: Set<unknown>
}

const start = (node: { range?: [number, number, number] | null | undefined } | null | undefined): number => node?.range?.[0] ?? 0

function fromMap(map: YAMLMap, walk: Walk, path: Path, depth: number): Record<string, unknown> {
  const seen = new Set<string>()
  const entries = map.items.map((pair): [string, unknown] => {
    const key = pair.key
    if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number' && typeof key.value !== 'boolean')) {
      throw new Refused(start(key as Node | null) || start(map), 'expected a name as the key', undefined, path)
    }
    const name = String(key.value)
    if (forbiddenKeys.has(name)) throw new Refused(start(key), `${name} may not be a key`, undefined, path)
    if (seen.has(name)) throw new Refused(start(key), 'Map keys must be unique', 'each key once', path)
    seen.add(name)
    return [name, plain(pair.value as Node | null, walk, [...path, name], depth + 1)]
  })
  return Object.fromEntries(entries)
}

function fromAlias(alias: Alias, walk: Walk, path: Path, depth: number): unknown {
  const target = alias.resolve(walk.document)
  if (!target) throw new Refused(start(alias), `no anchor is called ${alias.source}`, undefined, path)
  if (walk.open.has(target)) throw new Refused(start(alias), `the anchor ${alias.source} contains itself`, undefined, path)
  return plain(target, walk, path, depth)
}

/** A node as plain values. Aliases are expanded, and what they expand to counts. */
function plain(node: Node | null, walk: Walk, path: Path, depth: number): unknown {
  if (++walk.nodes > yamlLimits.nodes) {
    throw new Refused(
      start(node),
      `more than ${yamlLimits.nodes} values, with aliases expanded`,
      'write fewer, or without anchors',
      path,
    )
  }
  if (depth > yamlLimits.depth) throw new Refused(start(node), `nested deeper than ${yamlLimits.depth} levels`, undefined, path)
  if (node === null) return null
  if (isAlias(node)) return fromAlias(node, walk, path, depth)
  if (isScalar(node)) return node.value
  walk.open.add(node)
  const value = isMap(node)
    ? fromMap(node, walk, path, depth)
    : isSeq(node)
      ? node.items.map((item, index) => plain(item as Node | null, walk, [...path, index], depth + 1))
      : null
  walk.open.delete(node)
  return value
}

/** The offset of what stands at a path, in the document's own text. */
function offsetOf(document: Document, path: Path, on: 'key' | 'value'): number {
  let node = document.contents as Node | null
  let offset = start(node)
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    const last = index === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(step))
      if (!pair) return offset
      offset = last && on === 'value' && pair.value ? start(pair.value as Node) : start(pair.key as Node)
      node = pair.value as Node | null
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | Pair | undefined
      if (item === undefined || item instanceof Pair) return offset
      offset = start(item)
      node = item
    } else return offset
  }
  return offset
}

function compose(text: string, lines: LineCounter): Document.Parsed[] {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    // Looked at while the values are taken: the package compares each key with all before it.
    uniqueKeys: false,
    stringKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const documents: Document.Parsed[] = []
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(text), true, text.length) as Iterable<
    Document.Parsed<ParsedNode>
  >) {
    documents.push(document)
    if (documents.length > yamlLimits.documents)
      throw new Refused(0, `more than ${yamlLimits.documents} documents`, 'split the file')
  }
  return documents
}

const worded = (message: string): string =>
  /call stack/.test(message) ? `nested deeper than ${yamlLimits.depth} levels` : message.split('\n')[0]!

const hintFor = (message: string): string | undefined => {
  if (/tab/i.test(message)) return 'indent with spaces'
  if (/unresolved tag/i.test(message)) return 'tags other than the usual ones of YAML are not read'
  return undefined
}

/**
 * Reads a YAML 1.2 stream into plain values.
 *
 * Bounded in bytes, documents, depth, values and alias expansion; refuses duplicate keys, keys that name
 * prototypes, unknown tags and anchors that contain themselves. Empty documents are left out.
 */
export function readYaml(text: string): YamlResult {
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const refused = (error: Refused): YamlResult => ({
    is: 'refused',
    problems: [{ ...placeIn(text, error.offset), path: error.path, message: error.message, hint: error.hint }],
  })

  const size = Buffer.byteLength(text)
  if (size > yamlLimits.bytes)
    return refused(new Refused(0, `the file has ${size} bytes, more than ${yamlLimits.bytes}`, 'split the file'))
  try {
    refuseBombs(text)
    const composed = compose(text, lines)
    const problems = composed.flatMap(({ errors, warnings }) =>
      [...errors, ...warnings].map(({ message, pos }) => ({
        ...place(pos[0]),
        path: [],
        message: worded(message),
        hint: hintFor(message),
      })),
    )
    if (problems.length > 0) return { is: 'refused', problems: problems.slice(0, 20) }
    const walk = { nodes: 0, open: new Set<unknown>() }
    const documents = composed.map((document) => {
      const state: Walk = { document, nodes: walk.nodes, open: walk.open }
      const value = plain(document.contents as Node | null, state, [], 0)
      walk.nodes = state.nodes
      return { value, place: (path: Path, on: 'key' | 'value') => place(offsetOf(document, path, on)) }
    })
    return { is: 'read', documents: documents.filter(({ value }) => value !== null) }
  } catch (error) {
    if (error instanceof Refused) return refused(error)
    if (error instanceof RangeError) return refused(new Refused(0, 'nested too deeply'))
    throw error
  }
}

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const newline = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: offset - newline }
}
