import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { type Context } from '../context.ts'
import { CommandError, platformDown, wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { harmless } from '../output/table.ts'
import { showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  lines: number
  follow?: boolean
  run?: string
  level?: string
}

const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const
const nameOfLevel = (level: number): string => Object.entries(levels).findLast(([, least]) => level >= least)?.[0] ?? 'trace'
const hidden = new Set(['level', 'time', 'msg', 'app', 'pid', 'hostname', 'err', 'v'])

/** A line of a log for people; what is no JSON stays as it is. */
export function showLogLine({ paint }: Pick<Context, 'paint'>, text: string): string {
  try {
    const entry = JSON.parse(text) as Record<string, unknown>
    const level = typeof entry['level'] === 'number' ? nameOfLevel(entry['level']) : String(entry['level'] ?? 'info')
    const tinted =
      level === 'error' || level === 'fatal' ? paint.red(level) : level === 'warn' ? paint.yellow(level) : paint.dim(level)
    const fields = Object.entries(entry)
      .filter(([name]) => !hidden.has(name))
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    const error = entry['err'] as { message?: string; stack?: string } | undefined
    return [
      `${paint.dim(showTime(entry['time'] as string | number))} ${tinted.padEnd(5)} ${harmless(String(entry['msg'] ?? ''))} ${paint.dim(harmless(fields.join(' ')))}`.trimEnd(),
      ...(error ? [paint.red(harmless(error.stack ?? error.message ?? ''))] : []),
    ].join('\n')
  } catch {
    return harmless(text)
  }
}

const isAsLoud = (text: string, level: string | undefined): boolean => {
  if (level === undefined) return true
  try {
    const own = (JSON.parse(text) as { level?: number | string }).level
    const number = typeof own === 'number' ? own : (levels[own as keyof typeof levels] ?? 30)
    return number >= levels[level as keyof typeof levels]
  } catch {
    return true
  }
}

const chunk = 65_536

/** The last lines of a file, read from its end. */
function lastLines(file: string, count: number): { lines: string[]; size: number } {
  const size = statSync(file).size
  const descriptor = openSync(file, 'r')
  try {
    let [text, from] = [Buffer.alloc(0), size]
    while (from > 0 && text.subarray(0).toString('latin1').split('\n').length <= count + 1) {
      const length = Math.min(chunk, from)
      const part = Buffer.alloc(length)
      readSync(descriptor, part, 0, length, from - length)
      text = Buffer.concat([part, text])
      from -= length
    }
    const lines = text
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
    return { lines: count === 0 ? [] : lines.slice(-count), size }
  } finally {
    closeSync(descriptor)
  }
}

function newText(file: string, from: number): { text: string; size: number } {
  const size = existsSync(file) ? statSync(file).size : 0
  const begin = size < from ? 0 : from
  if (size === begin) return { text: '', size }
  const descriptor = openSync(file, 'r')
  try {
    const part = Buffer.alloc(size - begin)
    readSync(descriptor, part, 0, part.length, begin)
    return { text: part.toString('utf8'), size }
  } finally {
    closeSync(descriptor)
  }
}

async function followFile(context: Context, file: string, from: number, show: (line: string) => void): Promise<void> {
  let [size, rest] = [from, '']
  while (!context.shell.signal.aborted) {
    const found = newText(file, size)
    size = found.size
    const lines = (rest + found.text).split('\n')
    rest = lines.pop() ?? ''
    lines.filter((line) => line !== '').forEach(show)
    await new Promise((done) => setTimeout(done, 300))
  }
}

async function logs(context: Context, { lines, follow, run, level }: Options, app?: string): Promise<void> {
  if (run !== undefined) {
    const text = await context.app('dispatcher').text(path`/v1/runs/${run}/logs`)
    return context.print({ run, logs: text }, () => text.trimEnd().split('\n').map(harmless).join('\n'))
  }
  const folder = join(context.platform.home, 'logs')
  const known = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.log'))
        .map((name) => name.slice(0, -4))
    : []
  if (app === undefined) {
    if (known.length === 0) throw platformDown(`no log is in ${folder}`)
    return context.print(known, () => `${context.paint.dim(folder)}\n${known.join('\n')}`)
  }
  if (!known.includes(app)) {
    throw known.length === 0
      ? platformDown(`no log is in ${folder}`)
      : new CommandError('CLI_NOT_FOUND', `there is no log of ${app}`, { hint: `logs: ${known.join(', ')}` })
  }
  if (level !== undefined && !(level in levels))
    throw wrongUsage(`${level} is no level`, `levels: ${Object.keys(levels).join(', ')}`)
  const show = (line: string) => {
    if (isAsLoud(line, level)) context.shell.out(`${context.json ? line : showLogLine(context, line)}\n`)
  }
  const file = join(folder, `${app}.log`)
  const last = lastLines(file, lines)
  last.lines.forEach(show)
  if (follow) await followFile(context, file, last.size, show)
}

const whole = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a number')
  return Number(text)
}

export function registerLogs({ program, action }: Registry): void {
  program
    .command('logs')
    .description('logs of apps and backing services of this machine, or of a training run')
    .argument('[app]', 'registry, feature-store, …; without it, which logs there are')
    .option('--lines <number>', 'the last lines', whole, 50)
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('--level <level>', 'only lines of this level and above')
    .option('--run <id>', 'the log of a training run')
    .addHelpText('after', examples('logs dispatcher -f', 'logs feature-store --level warn', 'logs --run r-0198f0a1'))
    .action(action(logs))
}
