import { type Database } from '@cascata/messaging'
import { Permission, requireAccess } from '@cascata/service'
import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { versionNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { type giveVerdict } from './give-verdict.ts'
import { type registerVersion } from './register-version.ts'
import { type Registration, registration, type Verdict, verdict, type Version } from './version.ts'
import { findVersion, versionsOf } from './versions.store.ts'

@Controller('v1/versions')
@Permission('viewer')
export class VersionsController {
  private readonly db: Database
  private readonly register: ReturnType<typeof registerVersion>
  private readonly judge: ReturnType<typeof giveVerdict>

  constructor(
    @Inject(Parts.database) db: Database,
    @Inject(Parts.registerVersion) register: ReturnType<typeof registerVersion>,
    @Inject(Parts.giveVerdict) judge: ReturnType<typeof giveVerdict>,
  ) {
    this.db = db
    this.register = register
    this.judge = judge
  }

  /** Registers the version of a run; the same run again answers the same version. */
  @Post()
  @HttpCode(200)
  @Permission('trainer', { scope: 'handler' })
  async post(@Body({ schema: registration }) body: Registration): Promise<Version> {
    requireAccess(body.namespace, body.model)
    return this.register(body)
  }

  /** Newest first. */
  @Get(':namespace/:model')
  list(@Param('namespace') namespace: string, @Param('model') model: string): Promise<Version[]> {
    return versionsOf(this.db, { namespace, model })
  }

  @Get(':namespace/:model/:version')
  async get(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
  ): Promise<Version> {
    const found = await findVersion(this.db, { namespace, model }, version)
    if (!found) throw versionNotFound({ version: `${namespace}/${model}/${version}` })
    return found
  }

  /** A person's word on a version. */
  @Post(':namespace/:model/:version/verdict')
  @HttpCode(200)
  @Permission('deployer')
  verdict(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: verdict }) body: Verdict,
  ): Promise<Version> {
    return this.judge({ namespace, model }, version, body)
  }
}
