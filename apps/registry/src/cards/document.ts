/** A part of a document. Texts are plain: what they hold is shown, never obeyed. */
export type Block =
  | { readonly is: 'heading'; readonly text: string }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }

export interface Document {
  readonly title: string
  readonly blocks: readonly Block[]
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text inside of an element or an attribute of HTML. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character]!)

/** Dashes and underscores mean nothing inside of a word (CommonMark 0.31, 6.2), so names and dates stay as they are. */
const escapeRun = (run: string, offset: number, text: string): string => {
  const isInWord = /[A-Za-z0-9]/.test(text[offset - 1] ?? '') && /[A-Za-z0-9]/.test(text[offset + run.length] ?? '')
  return isInWord ? run : run.replaceAll(/./g, '\\$&')
}

/** Text inside of a line of Markdown: no mark-up, no link, no HTML, no cell of a table. */
export const escapeMarkdown = (text: string): string =>
  text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/[\\`*{}[\]#+!|~^$@]/g, (character) => `\\${character}`)
    .replaceAll(/[_-]+/g, escapeRun)
    .replaceAll(/[&<>]/g, (character) => entities[character]!)
    .replaceAll(/(https?|ftp|mailto|www)([:.])/gi, '$1\\$2')

const markdownOf = (block: Block): string => {
  switch (block.is) {
    case 'heading':
      return `## ${escapeMarkdown(block.text)}`
    case 'text':
      return escapeMarkdown(block.text)
    case 'table': {
      const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
      return [line(block.head), `|${' --- |'.repeat(block.head.length)}`, ...block.rows.map(line)].join('\n')
    }
  }
}

/** A document as Markdown, tables as GitHub has them. */
export const renderMarkdown = ({ title, blocks }: Document): string =>
  `${[`# ${escapeMarkdown(title)}`, ...blocks.map(markdownOf)].join('\n\n')}\n`

const htmlOf = (block: Block): string => {
  switch (block.is) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`
    case 'text':
      return `<p>${escapeHtml(block.text)}</p>`
    case 'table': {
      const row = (cells: readonly string[], tag: 'th' | 'td') =>
        `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
      const body = block.rows.map((cells) => row(cells, 'td')).join('\n')
      return `<table>\n<thead>${row(block.head, 'th')}</thead>\n<tbody>\n${body}\n</tbody>\n</table>`
    }
  }
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}th{background:#f3f3f3}'

/** A document as a page that loads and runs nothing. */
export const renderHtml = ({ title, blocks }: Document): string =>
  [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>`,
    `<style>${style}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    ...blocks.map(htmlOf),
    '</body></html>',
    '',
  ].join('\n')
