import { type Database, type Tx } from '@cascata/messaging'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

/** An artifact or a folder of artifacts, as MLflow lists it. */
export interface ListedFile {
  readonly path: string
  readonly is_dir: boolean
  readonly file_size?: number
}

const join = (...parts: string[]): string => parts.filter((part) => part !== '').join('/')

/** Escapes what `like` reads as a pattern. */
const literally = (text: string): string => text.replaceAll(/[\\%_]/g, '\\$&')

/** What lies directly under a path of a root; nothing for a file or for what is not there. Paths count from the root. */
export const listArtifacts = async (db: Executor, root: string, path: string): Promise<ListedFile[] | undefined> => {
  const folder = join(root, path)
  const prefix = folder === '' ? '' : `${folder}/`
  const rows = await db.query<{ name: string; is_dir: boolean; size: number | null }>(
    `select split_part(substr(a.path, $2), '/', 1) as name, bool_or(substr(a.path, $2) like '%/%') as is_dir, max(b.size)::float8 as size
       from artifact a join blob b using (sha256) where a.path like $1 group by 1 order by 1`,
    [`${literally(prefix)}%`, prefix.length + 1],
  )
  const files = rows.map(({ name, is_dir, size }) => ({
    path: join(path, name),
    is_dir,
    ...(is_dir ? {} : { file_size: size ?? 0 }),
  }))
  return files.length > 0 ? files : undefined
}

export const findArtifact = async (db: Executor, path: string): Promise<{ sha256: string; size: number } | undefined> =>
  (
    await db.query<{ sha256: string; size: number }>(
      'select a.sha256, b.size::float8 as size from artifact a join blob b using (sha256) where a.path = $1',
      [path],
    )
  )[0]

/** Puts a blob at a path; what was there before is no longer. */
export const saveArtifact = async (db: Executor, path: string, sha256: string): Promise<void> => {
  await db.query(
    'insert into artifact (path, sha256) values ($1, $2) on conflict (path) do update set sha256 = excluded.sha256, created_at = clock_timestamp()',
    [path, sha256],
  )
}

/** Removes a path and everything under it; nothing there is fine. */
export const removeArtifacts = async (db: Executor, path: string): Promise<void> => {
  await db.query('delete from artifact where path = $1 or path like $2', [path, `${literally(path)}/%`])
}

/** The one ONNX file under a root, undefined when there is none or several. */
export const onnxUnder = async (db: Executor, root: string): Promise<string | undefined> => {
  const rows = await db.query<{ sha256: string }>(
    `select sha256 from artifact where path like $1 and path like '%.onnx' limit 2`,
    [`${literally(root)}/%`],
  )
  return rows.length === 1 ? rows[0]!.sha256 : undefined
}
