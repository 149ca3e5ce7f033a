import { Permission, requireAccess } from '@cascata/service'
import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common'
import { type FastifyReply } from 'fastify'
import { z } from 'zod'
import { renderHtml, renderMarkdown } from '../cards/document.ts'
import { modelCard } from '../cards/model-card.ts'
import { compareVersions } from '../comparison/compare-versions.ts'
import { Parts } from '../parts.ts'
import { type versionFacts } from './version-facts.ts'

const text = z.string().min(1).max(200)
const pair = z.object({
  namespace: text.default('default'),
  model: text,
  version: text,
  otherNamespace: text.optional(),
  otherModel: text.optional(),
  otherVersion: text,
})

const format = z.object({ format: z.enum(['markdown', 'html']).default('markdown') })

/** What is on record of versions, for people: two of them side by side, and the card of one. */
@Controller('v1')
@Permission('viewer')
export class EvidenceController {
  private readonly facts: ReturnType<typeof versionFacts>

  constructor(@Inject(Parts.versionFacts) facts: ReturnType<typeof versionFacts>) {
    this.facts = facts
  }

  /** The other version is of the same model unless it is said. */
  @Get('comparison')
  @Permission('viewer', { scope: 'handler' })
  async compare(@Query({ schema: pair }) asked: z.infer<typeof pair>) {
    const one = { namespace: asked.namespace, model: asked.model }
    const other = { namespace: asked.otherNamespace ?? one.namespace, model: asked.otherModel ?? one.model }
    for (const { namespace, model } of [one, other]) requireAccess(namespace, model)
    return compareVersions(await this.facts(one, asked.version), await this.facts(other, asked.otherVersion))
  }

  /** As Markdown, or as a page that loads and runs nothing, whatever a name on it says. */
  @Get('cards/:namespace/:model/:version')
  async card(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
    @Query({ schema: format }) asked: z.infer<typeof format>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const card = modelCard(await this.facts({ namespace, model }, version))
    void reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    void reply.header('content-type', asked.format === 'html' ? 'text/html; charset=utf-8' : 'text/markdown; charset=utf-8')
    return asked.format === 'html' ? renderHtml(card) : renderMarkdown(card)
  }
}
