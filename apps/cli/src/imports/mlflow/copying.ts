import { type Progress } from '../../output/progress.ts'
import { note, type Kind, type Report } from './report.ts'
import { interrupted, Refused } from './requests.ts'
import { type MlflowServer } from './server.ts'

export const api = '/api/2.0/mlflow'

/** The tag that what was copied whole carries here: the server it comes from. Without it, it is copied again, into the same place. */
export const importedTag = 'cascata.imported'

/** The tag that says from the beginning that it is a copy, and of which server: nothing else is ever written to. */
export const sourceTag = 'cascata.source'

/** What every part of an import works with. */
export interface Copying {
  readonly source: MlflowServer
  readonly target: MlflowServer
  readonly report: Report
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Larger files stay behind. */
  readonly largestFile: number
}

const ours = 'cascata.'

/** Tags as the source has them, without those that steer or mark things here: another Cascata, or anybody, may have set them there. */
export const foreign = <Tag extends { readonly key: string }>(tags: readonly Tag[]): Tag[] =>
  tags.filter(({ key }) => !key.startsWith(ours))

const mostPages = 10_000

/** All items of a list that comes in pages, however many: a list that does not end is refused. */
export async function* paged<Page extends { next_page_token?: string | undefined }, Item>(
  ask: (token: string | undefined) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): AsyncGenerator<Item> {
  let token: string | undefined
  for (let pages = 1; ; pages += 1) {
    const page = await ask(token)
    yield* itemsOf(page)
    if (!page.next_page_token || page.next_page_token === token) return
    if (pages >= mostPages) throw new Refused(200, 'ENDLESS', `a list does not end after ${mostPages} pages`)
    token = page.next_page_token
  }
}

/** Does the work for each item, a few at once; the first failure ends it. */
export async function forEachAtOnce<Item>(
  atOnce: number,
  items: Iterable<Item> | AsyncIterable<Item>,
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let failed = false
  const worker = async () => {
    for (let next = await waiting.next(); !next.done && !failed; next = await waiting.next()) {
      if (signal.aborted) throw interrupted()
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Work on one thing: what a server refuses of it is noted, and the rest goes on. Answers whether nothing was refused. */
export async function orRefused({ report }: Copying, kind: Kind, what: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    note(report, kind, 'refused', what, `${error.code}: ${error.message}`)
    return false
  }
}

/** What `work` answers, or undefined where the server has no such thing. */
export async function ifThere<Found>(work: Promise<Found>): Promise<Found | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined
    throw error
  }
}

/** False where it is there already. */
export async function made(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof Refused && error.code === 'RESOURCE_ALREADY_EXISTS') return false
    throw error
  }
}

export const tagOf = (tags: readonly { key: string; value: string }[], key: string): string | undefined =>
  tags.find((tag) => tag.key === key)?.value
