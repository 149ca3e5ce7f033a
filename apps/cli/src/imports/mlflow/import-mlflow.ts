import { type Context } from '../../context.ts'
import { CommandError, wrongUsage } from '../../errors.ts'
import { progressOf } from '../../output/progress.ts'
import { copyExperiments } from './copy-experiments.ts'
import { copyLoggedModels } from './copy-logged-models.ts'
import { copyModels } from './copy-models.ts'
import { copyRuns } from './copy-runs.ts'
import { type Copying } from './copying.ts'
import { emptyReport, type Report } from './report.ts'
import { interrupted, Refused } from './requests.ts'
import { openServer } from './server.ts'
import { sourceAddress } from './source-uri.ts'

/** How gentle an import is. */
export interface ImportLimits {
  /** Requests a second to the source, at most. */
  readonly rate: number
  /** Bytes of a file, at most: larger ones stay behind. */
  readonly largestFile: number
}

const unlimited = 100_000

/** What a server refuses of single things is in the report; of the whole list of experiments, it ends the import. */
const inWords = (error: unknown): unknown => {
  if (!(error instanceof Refused)) return error
  return new CommandError('CLI_ANSWER', `${error.code}: ${error.message}`, { hint: 'is it the address of an MLflow server?' })
}

/**
 * Copies everything that MLflow's API shows of a tracking server to the registry, under the ids and numbers that it has there. What is
 * copied whole bears a tag here, so another import adds only what is new, and one that was stopped goes on.
 *
 * @throws CommandError when a server can't be reached or lets nobody in; what is refused of single things is in the report
 */
export async function importMlflow(
  context: Context,
  uri: string,
  { token, rate, largestFile }: ImportLimits & { readonly token: string | undefined },
): Promise<Report> {
  const { signal, env } = context.shell
  const from = sourceAddress(uri, env)
  const to = context.platform.url('registry')
  if (from.base === to) throw wrongUsage(`${to} is this registry itself`, 'name the server to copy from')
  const source = openServer({
    ...{ ...from, called: 'the source', signal, rate },
    loginHint: 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, as for MLflow',
  })
  const target = openServer({
    ...{ called: 'the registry', base: to, authorization: token && `Bearer ${token}`, signal, rate: unlimited },
    loginHint: 'an import needs a token of role admin for all namespaces: --token or CASCATA_TOKEN',
  })
  const progress = progressOf(context)
  const copying: Copying = { source, target, report: emptyReport(from.base), progress, signal, largestFile }
  try {
    const experiments = await copyExperiments(copying)
    const runs = await copyRuns(copying, experiments)
    await copyLoggedModels(copying, experiments, runs)
    await copyModels(copying)
    return copying.report
  } catch (error) {
    throw signal.aborted ? interrupted() : inWords(error)
  } finally {
    progress.end()
  }
}
