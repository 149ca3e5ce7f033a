import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { readResources, type ResourceError, ResourceErrors, resourceKey, type SourcedResource } from '@cascata/resources'
import { CommandError, wrongUsage } from '../errors.ts'
import { type Shell } from '../shell.ts'

/** A file of resources. `name` is how errors call it. */
export interface ResourceFile {
  name: string
  folder: string
  text: string
}

const isYaml = (name: string): boolean => /\.ya?ml$/i.test(name)

function filesIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? filesIn(join(path, entry.name))
        : entry.isFile() && isYaml(entry.name)
          ? [join(path, entry.name)]
          : [],
    )
}

function pathsOf(path: string, named: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
  } catch {
    throw wrongUsage(`there is no file or folder ${named}`)
  }
  const found = filesIn(path)
  if (found.length === 0) throw wrongUsage(`no YAML file is in ${named}`)
  return found
}

/** The files that `-f` names: files, folders with everything below them, and `-` for the standard input. */
export async function readFiles(named: readonly string[], shell: Shell): Promise<ResourceFile[]> {
  const files: ResourceFile[] = []
  for (const name of named) {
    if (name === '-') files.push({ name: '(stdin)', folder: shell.cwd, text: await shell.stdin() })
    else {
      for (const path of pathsOf(resolve(shell.cwd, name), name)) {
        const shown = relative(shell.cwd, path)
        files.push({ name: shown.startsWith('..') ? path : shown, folder: dirname(path), text: readFileSync(path, 'utf8') })
      }
    }
  }
  return files
}

export const invalid = (errors: readonly ResourceError[]): CommandError =>
  new CommandError('CLI_RESOURCES_INVALID', new ResourceErrors(errors).message, { details: { errors } })

/** Reads files together: every error of every file, and each resource in one place only. @throws CommandError */
export function parseFiles(files: readonly ResourceFile[]): SourcedResource[] {
  const errors: ResourceError[] = []
  const seen = new Map<string, string>()
  const read = files.flatMap(({ name, text }) => {
    try {
      return readResources(text, { file: name }).filter((sourced) => {
        const key = resourceKey(sourced.resource)
        const before = seen.get(key)
        if (before === undefined) seen.set(key, name)
        else
          errors.push(
            sourced.locate({
              path: ['metadata', 'name'],
              on: 'value',
              message: `${key} is described in ${before} too`,
              hint: 'keep one of the two',
            }),
          )
        return before === undefined
      })
    } catch (error) {
      if (!(error instanceof ResourceErrors)) throw error
      errors.push(...error.errors)
      return []
    }
  })
  if (errors.length > 0) throw invalid(errors)
  return read
}

/** Files as one stream, and the way back from its lines to theirs. */
export function joined(files: readonly ResourceFile[]): { text: string; locate: (error: ResourceError) => ResourceError } {
  const starts: number[] = []
  let text = ''
  let lines = 0
  for (const file of files) {
    starts.push(lines)
    const part = `${file.text}${file.text.endsWith('\n') ? '' : '\n'}---\n`
    text += part
    lines += part.split('\n').length - 1
  }
  const locate = (error: ResourceError): ResourceError => {
    const index = starts.findLastIndex((start) => start < error.line)
    const file = files[Math.max(0, index)]
    return file ? { ...error, file: file.name, line: error.line - starts[Math.max(0, index)]! } : error
  }
  return { text, locate }
}

/** The git commit that files come from, `-dirty` when they differ from it; undefined outside of a repository. */
export function commitOf(folder: string): string | undefined {
  const git = (...args: string[]) => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8', timeout: 5000 })
  const head = git('rev-parse', 'HEAD')
  if (head.status !== 0) return undefined
  const changed = git('status', '--porcelain', '--', '.')
  return `${head.stdout.trim()}${changed.status === 0 && changed.stdout.trim() !== '' ? '-dirty' : ''}`
}
