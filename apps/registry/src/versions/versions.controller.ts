import { type Database } from '@cascata/messaging'
import { Permission, requireAccess } from '@cascata/service'
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { versionNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { type retainVersion } from '../retention/retain-version.ts'
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
  private readonly retain: ReturnType<typeof retainVersion>

  constructor(
    @Inject(Parts.database) db: Database,
    @Inject(Parts.registerVersion) register: ReturnType<typeof registerVersion>,
    @Inject(Parts.giveVerdict) judge: ReturnType<typeof giveVerdict>,
    @Inject(Parts.retainVersion) retain: ReturnType<typeof retainVersion>,
  ) {
    this.db = db
    this.register = register
    this.judge = judge
    this.retain = retain
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

  /** Deletes a version for a while: one that serves is kept. */
  @Delete(':namespace/:model/:version')
  @Permission('deployer')
  delete(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
  ): Promise<Version> {
    return this.retain({ namespace, model }, version, 'deleted')
  }

  @Post(':namespace/:model/:version/restore')
  @HttpCode(200)
  @Permission('deployer')
  restore(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
  ): Promise<Version> {
    return this.retain({ namespace, model }, version, 'restored')
  }

  /** Takes the files of a deleted version away for good. */
  @Post(':namespace/:model/:version/purge')
  @HttpCode(200)
  @Permission('admin')
  purge(
    @Param('namespace') namespace: string,
    @Param('model') model: string,
    @Param('version') version: string,
  ): Promise<Version> {
    return this.retain({ namespace, model }, version, 'purged')
  }
}
