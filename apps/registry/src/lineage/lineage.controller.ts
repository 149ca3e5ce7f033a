import { type Database } from '@cascata/messaging'
import { mayAccess, Permission, requireAccess } from '@cascata/service'
import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { z } from 'zod'
import { lineageNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { findVersion, versionOfRun, versionsOf } from '../versions/versions.store.ts'
import { findChains, type Start } from './find-chains.ts'
import { dotOf, graphOf, roleIn } from './graph.ts'
import {
  type DatasetRecord,
  datasetsOfHash,
  datasetsOfRun,
  datasetsWithOffset,
  findDataset,
  findRoute,
  findTraining,
  stepsOf,
} from './lineage.store.ts'
import { eventsOf, type Origin } from './openlineage.ts'

const text = z.string().min(1).max(300)
const start = z.object({
  namespace: text.default('default'),
  model: text.optional(),
  version: text.optional(),
  run: text.optional(),
  dataset: text.optional(),
  topic: text.optional(),
  partition: text.optional(),
  offset: text.optional(),
  format: z.enum(['json', 'dot']).default('json'),
})

/** Where a graph shall begin; throws `REG_LINEAGE_NOT_FOUND` for what names no place. */
const startOf = ({ namespace, model, version, run, dataset, topic, partition, offset }: z.infer<typeof start>): Start => {
  if (model !== undefined && version !== undefined) return { is: 'version', namespace, model, version }
  if (run !== undefined) return { is: 'run', run }
  if (dataset !== undefined) return { is: 'dataset', dataset }
  const [at, from] = [whole(partition), whole(offset)]
  if (topic !== undefined && !Number.isNaN(at) && !Number.isNaN(from)) return { is: 'place', topic, partition: at, offset: from }
  throw lineageNotFound({ what: 'a question without model and version, run, dataset, or topic, partition and offset' })
}

const whole = (text: string | undefined): number => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN)

/** What came from what: offsets → dataset → run → version → what happened to it. The events in between are on `cascata.facts`. */
@Controller('v1/lineage')
@Permission('viewer')
export class LineageController {
  private readonly db: Database
  private readonly origin: Origin

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.lineageOrigin) origin: Origin) {
    this.db = db
    this.origin = origin
  }

  /** Both ways from a version, a run, a dataset or a row's place, as nodes and edges or in Graphviz's language. */
  @Get('graph')
  @Permission('viewer', { scope: 'handler' })
  async graph(@Query({ schema: start }) asked: z.infer<typeof start>) {
    const chains = await findChains(this.db, startOf(asked))
    if (chains.length === 0)
      throw lineageNotFound({ what: asked.run ?? asked.dataset ?? asked.topic ?? `version ${asked.model}/${asked.version}` })
    const graph = graphOf(chains)
    return asked.format === 'dot' ? dotOf(graph) : graph
  }

  /** A run in OpenLineage's events, in their order. */
  @Get('runs/:run/openlineage')
  @Permission('viewer', { scope: 'handler' })
  async openLineage(@Param('run') id: string) {
    const run = await findTraining(this.db, id)
    if (!run) throw lineageNotFound({ what: `run ${id.slice(0, 100)}` })
    requireAccess(run.namespace, run.model)
    const [dataset] = await datasetsOfRun(this.db, id)
    return eventsOf({ run, dataset, version: await versionOfRun(this.db, run, id) }, this.origin)
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
    const versions = await this.versionsFrom(dataset)
    const [run, route, same] = await Promise.all([
      findTraining(this.db, dataset.run),
      findRoute(this.db, dataset.namespace, dataset.model),
      datasetsOfHash(this.db, dataset.hash),
    ])
    const seen = same.filter((other) => other.dataset !== id && mayAccess(other.namespace, other.model))
    const roles = versions.map(({ version }) => ({ version, role: roleIn(route, version) ?? null }))
    return {
      dataset,
      versions,
      run: run ?? null,
      /** Versions of it that answer now: their predictions are on `cascata.predictions`. */
      serving: roles.filter(({ role }) => role !== null),
      /** Datasets of the same rows. */
      same: seen.map(({ dataset: other, namespace, model, run: made }) => ({ dataset: other, namespace, model, run: made })),
    }
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
