import { open, rename, rm, stat } from 'node:fs/promises'
import { readTokens, type TokenEntry, tokensOf } from './tokens.ts'

const ifThere = async <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

/**
 * Changes a tokens file, or makes it where there is none: one change at a time, all or nothing, and readable by its owner alone
 * unless it was not so before. Apps read it again within seconds.
 *
 * @throws Error that names the file and the problem: entries that are not legal, or somebody else who changes it now
 */
export async function changeTokens(file: string, change: (tokens: TokenEntry[]) => TokenEntry[]): Promise<void> {
  const draft = `${file}.new`
  const mode = (await ifThere(stat(file)))?.mode ?? 0o600
  const handle = await open(draft, 'wx', mode & 0o777).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new Error(`${draft} is there: somebody else changes the tokens now. When nobody does, remove it.`)
  })
  try {
    const tokens = tokensOf(file, { tokens: change((await ifThere(readTokens(file))) ?? []) })
    await handle.writeFile(`${JSON.stringify({ tokens }, null, 2)}\n`)
    await handle.sync()
    await handle.close()
    await rename(draft, file)
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(draft, { force: true })
    throw error
  }
}
