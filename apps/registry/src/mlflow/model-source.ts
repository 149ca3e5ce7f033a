import { type Database, type Tx } from '@cascata/messaging'
import { modelOf } from '../versions/model-name.ts'
import { getLoggedModel, loggedModelRoot } from './logged-models.ts'
import { getVersion } from './model-versions.store.ts'
import { getRun, runRoot } from './runs.store.ts'
import { checkedPath } from './validate-artifact-path.ts'
import { refuse } from './wire.ts'

const under = (root: string, path: string): string => (path === '' ? root : `${root}/${checkedPath(path)}`)

/** A folder of the artifact index, and the run that made what is in it. */
export interface LocatedSource {
  readonly root: string
  readonly run: string | null
}

/**
 * What a model version's source names. Only what lies under a logged model or a run of this registry is taken:
 * no host, no file, no folder of anybody else. Throws `INVALID_PARAMETER_VALUE`.
 */
export const locateSource = async (
  db: Pick<Database | Tx, 'query'>,
  source: string,
  runId: string | undefined,
): Promise<LocatedSource> => {
  const logged = /^models:\/(m-[0-9a-f]{32})(?:\/(.*))?$/.exec(source)
  if (logged) {
    const model = await getLoggedModel(db, logged[1]!)
    return { root: under(loggedModelRoot(model), logged[2] ?? ''), run: runId ?? model.source_run_id }
  }

  const version = /^models:\/([^/:]{1,256})\/(\d{1,18})$/.exec(source)
  if (version) {
    const { source: original, run } = await getVersion(db, modelOf(version[1]!), version[2]!)
    return locateSource(db, original, run ?? undefined)
  }

  const ofRun = /^runs:\/([0-9a-zA-Z]{1,64})\/(.+)$/.exec(source)
  if (ofRun) {
    if (ofRun[1] !== runId)
      return refuse(
        `Invalid model version source: '${source}'. The run_id request parameter must identify the resource that contains the source.`,
      )
    return { root: under(runRoot(await getRun(db, ofRun[1]!)), ofRun[2]!), run: ofRun[1]! }
  }

  const proxied = /^mlflow-artifacts:\/(?!\/)(.+)$/.exec(source)
  if (proxied && runId !== undefined) {
    const [path, root] = [checkedPath(proxied[1]!), runRoot(await getRun(db, runId))]
    if (path === root || path.startsWith(`${root}/`)) return { root: path, run: runId }
  }
  return refuse(
    `Invalid model version source: '${source.slice(0, 200)}'. To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id. Here only logged models and artifacts of runs are sources.`,
  )
}
