import { Transform } from 'node:stream'
import { type Copying, orRefused, paged } from './copying.ts'
import { note } from './report.ts'
import { Refused } from './requests.ts'
import { filePage } from './shapes.ts'
import { type MlflowServer, type Query } from './server.ts'
import { isLegalPath } from './validate-path.ts'

/** Where the files of a run or of a logged model are listed and fetched at a server, and where they lie under its proxy. */
export interface Artifacts {
  readonly what: string
  readonly list: (folder: string) => readonly [path: string, query: Query]
  readonly file: (path: string) => readonly [path: string, query: Query]
  /** Of the copy: `mlflow-artifacts:/…`. */
  readonly targetUri: string
}

interface File {
  readonly path: string
  readonly bytes: number
}

const mostFiles = 100_000
const deepest = 50

/** The files of a server's folder and of those under it, one folder a question; `onIllegal` hears of paths that can't be one of them. */
async function filesAt(server: MlflowServer, list: Artifacts['list'], onIllegal: (path: string) => void): Promise<File[]> {
  const files: File[] = []
  const folders = ['']
  let found = 0
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const [path, query] = list(folder)
    const ask = (token: string | undefined) => server.get(path, filePage, token ? { ...query, page_token: token } : query)
    for await (const { path: name, is_dir, file_size } of paged(ask, (page) => page.files)) {
      found += 1
      if (!isLegalPath(name, folder) || name.split('/').length > deepest) onIllegal(name)
      else if (is_dir) folders.push(name)
      else files.push({ path: name, bytes: Number(file_size) })
      if (found > mostFiles) throw new Refused(200, 'TOO_MANY_FILES', `more than ${mostFiles} files`)
    }
  }
  return files
}

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** Lets at most so many bytes pass: a listed size is a claim. */
const upTo = (most: number, count: (bytes: number) => void): Transform => {
  let passed = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length
      count(chunk.length)
      done(passed > most ? new Refused(200, 'TOO_LARGE', `larger than ${most} bytes`) : null, chunk)
    },
  })
}

const attempts = 3

/** Sends a file through, from there to here; once more where either end broke off. */
async function copyFile(copying: Copying, artifacts: Artifacts, path: string): Promise<void> {
  const { source, target, report, largestFile, signal } = copying
  const to = `/api/2.0/mlflow-artifacts/artifacts/${encoded(`${artifacts.targetUri.replace(/^mlflow-artifacts:\/+/, '')}/${path}`)}`
  for (let attempt = 1; ; attempt += 1) {
    const { content, bytes } = await source.read(...artifacts.file(path))
    let sent = 0
    const passing = content.pipe(upTo(largestFile, (length) => (sent += length)))
    content.on('error', (error) => passing.destroy(error))
    try {
      await target.write(to, passing, bytes)
      report.bytes += sent
      return
    } catch (error) {
      const { errored: broken } = content
      content.destroy()
      const cause = passing.errored instanceof Refused ? passing.errored : error
      if (cause instanceof Refused || signal.aborted) throw cause
      if (attempt >= attempts)
        throw broken ? new Refused(200, 'BROKEN_OFF', `the source broke off in the middle (${broken.message})`) : cause
    }
  }
}

/** Copies what is not there yet. Answers whether nothing was refused. `again`: an earlier import may have copied some of it. */
export async function copyArtifacts(copying: Copying, artifacts: Artifacts, again: boolean): Promise<boolean> {
  const { source, target, report, largestFile } = copying
  let isWhole = true
  const listed = await orRefused(copying, 'artifacts', artifacts.what, async () => {
    const files = await filesAt(source, artifacts.list, (path) => {
      isWhole = false
      note(report, 'artifacts', 'refused', `${artifacts.what}/${path}`, 'its path leads elsewhere')
    })
    const here = again ? await filesAt(target, artifacts.list, () => {}) : []
    const known = new Map(here.map(({ path, bytes }) => [path, bytes]))
    for (const { path, bytes } of files) {
      const what = `${artifacts.what}/${path}`
      if (known.get(path) === bytes) note(report, 'artifacts', 'there')
      else if (bytes > largestFile) {
        isWhole = false
        note(report, 'artifacts', 'skipped', what, `${bytes} bytes are more than --max-file`)
      } else {
        const copied = await orRefused(copying, 'artifacts', what, () => copyFile(copying, artifacts, path))
        if (copied) note(report, 'artifacts', 'copied')
        isWhole &&= copied
      }
    }
  })
  return listed && isWhole
}
