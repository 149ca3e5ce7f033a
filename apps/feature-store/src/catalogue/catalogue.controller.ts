import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { z } from 'zod'
import { resourceApplied } from '@cascata/events'
import { type Database, latestAll } from '@cascata/messaging'
import { parseResources, type Resource, ResourceErrors, yamlLimits } from '@cascata/resources'
import { mayAccess, Permission } from '@cascata/service'
import { featureNotFound, resourcesInvalid, viewNotFound } from '../errors.ts'
import { listViews, revisionsOf, type StoredView } from '../feature-views/views.store.ts'
import { freshnessOf } from '../feature-views/freshness.ts'
import { Parts } from '../parts.ts'
import { sameDefinitions } from './decide-similar.ts'
import { lineageOf } from './feature-lineage.ts'
import { type Feature, featuresOf, matches, pageOf, type ViewMetadata } from './features.ts'
import { type LookInto } from './look-into.ts'
import { plannedSimilar } from './planned-similar.ts'
import { countUses, usesOf } from './uses.store.ts'

const text = z.string().min(1).max(200).optional()
const search = z.object({
  q: text,
  name: text,
  view: text,
  namespace: text,
  tag: text,
  owner: text,
  type: text,
  topic: text,
  unused: z.enum(['true', 'false']).default('false'),
  similar: z.enum(['true', 'false']).default('false'),
  after: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})

const planned = z.object({ resources: z.string().min(1).max(yamlLimits.bytes) })

function read(stream: string): Resource[] {
  try {
    return parseResources(stream, { file: 'resources' })
  } catch (error) {
    if (!(error instanceof ResourceErrors)) throw error
    throw resourcesInvalid({ errors: error.errors }, { cause: error })
  }
}

const undescribed: ViewMetadata = { owner: '', description: '', tags: [] }
const unused = { models: 0, versions: 0 }

interface Described {
  readonly stored: StoredView
  readonly features: readonly Feature[]
}

@Controller('v1/catalogue')
@Permission('viewer')
export class CatalogueController {
  private readonly db: Database
  private readonly lookInto: LookInto

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.lookInto) lookInto: LookInto) {
    this.db = db
    this.lookInto = lookInto
  }

  /** The features that fit a search, sorted by id. */
  @Get()
  @Permission('viewer', { scope: 'handler' })
  async list(@Query({ schema: search }) asked: z.infer<typeof search>) {
    const features = (await this.described()).flatMap((each) => each.features)
    const [uses, same] = [await countUses(this.db), sameDefinitions(features)]
    const found = features
      .filter((feature) => matches(asked, feature))
      .map((feature) => ({ ...feature, uses: uses.get(feature.id) ?? unused, similar: same(feature) }))
      .filter((each) => asked.unused === 'false' || each.uses.models + each.uses.versions === 0)
      .filter((each) => asked.similar === 'false' || each.similar.length > 0)
    const { page, next } = pageOf(found, asked)
    return { total: found.length, features: page, next }
  }

  /** What is like something else in documents that are not applied yet, as a YAML stream. */
  @Post('similar')
  @Permission('viewer', { scope: 'handler' })
  @HttpCode(200)
  async similar(@Body({ schema: planned }) { resources }: z.infer<typeof planned>) {
    return plannedSimilar(read(resources), await this.described(), this.lookInto)
  }

  /** All that is known of a feature. */
  @Get(':namespace/:view/:feature')
  async show(@Param('namespace') namespace: string, @Param('view') name: string, @Param('feature') field: string) {
    const described = await this.described()
    const own = described.find(({ stored: { view } }) => view.namespace === namespace && view.name === name)
    if (!own) throw viewNotFound({ view: `${namespace}/${name}` })
    const { stored, features } = own
    const feature = features.find((each) => each.name === field)
    if (!feature) throw featureNotFound({ feature: `${name}:${field}`, known: features.map((each) => each.name) })
    const views = described.map((each) => each.stored)
    const insight = await this.lookInto(
      stored,
      stored.view.served.find((each) => each.name === field)!,
      views,
    )
    const uses = await usesOf(this.db, feature.id, (model) => mayAccess(namespace, model.slice(namespace.length + 1)))
    const same = sameDefinitions(described.flatMap((each) => each.features))(feature)
    return {
      ...feature,
      revision: stored.view.revision,
      revisions: await this.revisions(stored, feature),
      freshness: freshnessOf(stored),
      uses,
      lineage: lineageOf(feature, stored.view.revision, uses),
      similar: [...same, ...(insight.state === 'measured' ? insight.near : [])],
      values:
        insight.state === 'measured'
          ? { state: insight.state, ...insight.profile, drift: insight.drift, compared: insight.compared }
          : insight,
    }
  }

  /** The views that who asks may see, with their features. */
  private async described(): Promise<Described[]> {
    const applied = await latestAll(this.db, resourceApplied)
    const metadata = new Map(applied.map(({ key, data }) => [key, data.metadata as Partial<ViewMetadata>]))
    return (await listViews(this.db))
      .filter(({ view }) => mayAccess(view.namespace, view.name))
      .map((stored) => {
        const { namespace, name } = stored.view
        const described = { ...undescribed, ...metadata.get(`FeatureView/${namespace}/${name}`) }
        return { stored, features: featuresOf(stored.view, described) }
      })
  }

  /** What each revision of the view said of the feature, the newest first. */
  private async revisions({ view }: StoredView, { name, definition }: Feature) {
    const revisions = [...(await revisionsOf(this.db, view.id))].sort(([a], [b]) => b - a)
    return revisions.map(([revision, spec]) => ({
      revision,
      field: spec.fields[definition.field ?? name] ?? null,
      ...(definition.fn === null ? {} : { aggregations: spec.aggregations }),
    }))
  }
}
