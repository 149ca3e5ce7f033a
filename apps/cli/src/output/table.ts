import Table from 'cli-table3'
import { type Context } from '../context.ts'

const bare = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
} // prettier-ignore

/** Control characters, but for line ends, tabs, and the colours of `paint`. */
const steering = /(?!\u001b\[(?:0|1|2|22|31|32|33|36|39)m)[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** What comes from elsewhere (names, reasons, rows) must not steer the terminal. */
export const harmless = (text: string): string => text.replaceAll(steering, '\ufffd')

const cell = (value: unknown): string => (value === null || value === undefined || value === '' ? '–' : harmless(String(value)))

/** Rows under headings, without lines, so that they can be cut and searched. */
export function table({ paint, shell }: Context, headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = new Table({ chars: bare, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true } })
  lines.push(headings.map((heading) => paint.dim(heading.toUpperCase())))
  for (const row of rows) lines.push(row.map(cell))
  const text = lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  return text.map((line) => fit(line, shell.width)).join('\n')
}

/** Names and values, one below the other. */
export function list(context: Context, entries: readonly (readonly [string, unknown])[]): string {
  const wide = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${context.paint.dim(name.padEnd(wide))}  ${cell(value)}`).join('\n')
}

const escapes = /\u001b\[\d+m/g

/** Cuts a line to the width of the terminal, never inside a colour. */
function fit(line: string, width: number | undefined): string {
  if (width === undefined || line.replaceAll(escapes, '').length <= width) return line
  let [seen, index] = [0, 0]
  while (index < line.length && seen < width - 1) {
    const escape = /^\u001b\[\d+m/.exec(line.slice(index))
    index += escape ? escape[0].length : 1
    if (!escape) seen++
  }
  return `${line.slice(0, index)}…${escapes.test(line) ? '\u001b[0m' : ''}`
}
