import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const docs = join(import.meta.dirname, '../../docs')

/** A block of code of a page. */
export interface Block {
  readonly language: string
  readonly text: string
}

/** The blocks of code of a page of the documents, or of a section of it, in their order. */
export function blocksOf(page: string, section?: string): Block[] {
  const text = readFileSync(join(docs, page), 'utf8')
  const part = section === undefined ? text : text.split(/^## /m).find((each) => each.startsWith(section))
  if (part === undefined) throw new Error(`${page} has no section ${section}`)
  return [...part.matchAll(/^```(\w*)[^\n]*\n([^]*?)^```$/gm)].map(([, language, code]) => ({ language: language!, text: code! }))
}

/** The only block of a language in a section. */
export function blockOf(page: string, section: string, language: string): string {
  const found = blocksOf(page, section).filter((block) => block.language === language)
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks of ${language} in ${section}`)
  return found[0]!.text
}

/** Commands of a block, without what is said of them. */
export const commandsOf = (block: string): string[] =>
  block
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, ''))
    .filter(Boolean)
