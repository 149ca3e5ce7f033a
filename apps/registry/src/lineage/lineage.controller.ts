import { type Database } from '@cascata/messaging'
import { mayAccess, Permission, requireAccess } from '@cascata/service'
import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { lineageNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { findVersion, versionOfRun, versionsOf } from '../versions/versions.store.ts'
import { type DatasetRecord, datasetsWithOffset, findDataset, findTraining, stepsOf } from './lineage.store.ts'

const whole = (text: string | undefined): number => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN)

/** What came from what: offsets → dataset → run → version → what happened to it. The events in between are on `cascata.facts`. */
@Controller('v1/lineage')
@Permission('viewer')
export class LineageController {
  private readonly db: Database

  constructor(@Inject(Parts.database) db: Database) {
    this.db = db
  }

  /** Everything behind a version, and everything that happened to it. */
  @Get('versions/:namespace/:model/:version')
  async version(@Param('namespace') namespace: string, @Param('model') model: string, @Param('version') number: string) {
    const version = await findVersion(this.db, { namespace, model }, number)
    if (!version) throw lineageNotFound({ what: `version ${namespace}/${model}/${number}` })
    const [run, dataset, steps] = await Promise.all([
      version.run === null ? undefined : findTraining(this.db, version.run),
      version.dataset === null ? undefined : findDataset(this.db, version.dataset),
      stepsOf(this.db, namespace, model, number),
    ])
    return { version, run: run ?? null, dataset: dataset ?? null, steps }
  }

  @Get('runs/:run')
  @Permission('viewer', { scope: 'handler' })
  async run(@Param('run') id: string) {
    const run = await findTraining(this.db, id)
    if (!run) throw lineageNotFound({ what: `run ${id.slice(0, 100)}` })
    requireAccess(run.namespace, run.model)
    return { run, version: (await versionOfRun(this.db, run, id)) ?? null }
  }

  @Get('datasets/:dataset')
  @Permission('viewer', { scope: 'handler' })
  async dataset(@Param('dataset') id: string) {
    const dataset = await findDataset(this.db, id)
    if (!dataset) throw lineageNotFound({ what: `dataset ${id.slice(0, 100)}` })
    requireAccess(dataset.namespace, dataset.model)
    return { dataset, versions: await this.versionsFrom(dataset) }
  }

  /** The datasets and versions that a row, by its place in Kafka, went into. */
  @Get('offsets')
  @Permission('viewer', { scope: 'handler' })
  async offset(@Query('topic') topic = '', @Query('partition') partition?: string, @Query('offset') offset?: string) {
    const [at, from] = [whole(partition), whole(offset)]
    if (topic === '' || Number.isNaN(at) || Number.isNaN(from))
      throw lineageNotFound({ what: 'a place without topic, partition and offset' })
    const datasets = (await datasetsWithOffset(this.db, topic, at, from)).filter(({ namespace, model }) =>
      mayAccess(namespace, model),
    )
    return Promise.all(datasets.map(async (dataset) => ({ dataset, versions: await this.versionsFrom(dataset) })))
  }

  private async versionsFrom({ namespace, model, dataset }: DatasetRecord) {
    return (await versionsOf(this.db, { namespace, model })).filter((version) => version.dataset === dataset)
  }
}
