import { type Database } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { type DynamicModule, Module } from '@nestjs/common'
import { AuditController } from './audit/audit.controller.ts'
import { LineageController } from './lineage/lineage.controller.ts'
import { Parts } from './parts.ts'
import { deleteResource } from './resources/apply-resources.ts'
import { ResourcesController } from './resources/resources.controller.ts'
import { retainVersion } from './retention/retain-version.ts'
import { giveVerdict } from './versions/give-verdict.ts'
import { registerVersion } from './versions/register-version.ts'
import { VersionsController } from './versions/versions.controller.ts'

@Module({})
export class RegistryModule {
  /** All wiring of the JSON routes. */
  static of({ db, clock }: { db: Database; clock: Clock }): DynamicModule {
    return {
      module: RegistryModule,
      controllers: [ResourcesController, VersionsController, LineageController, AuditController],
      providers: [
        { provide: Parts.database, useValue: db },
        { provide: Parts.clock, useValue: clock },
        {
          provide: Parts.deleteResource,
          useFactory: (database: Database) => deleteResource({ db: database }),
          inject: [Parts.database],
        },
        {
          provide: Parts.registerVersion,
          useFactory: (database: Database, time: Clock) => registerVersion({ db: database, clock: time }),
          inject: [Parts.database, Parts.clock],
        },
        {
          provide: Parts.giveVerdict,
          useFactory: (database: Database, time: Clock) => giveVerdict({ db: database, clock: time }),
          inject: [Parts.database, Parts.clock],
        },
        {
          provide: Parts.retainVersion,
          useFactory: (database: Database, time: Clock) => retainVersion({ db: database, clock: time }),
          inject: [Parts.database, Parts.clock],
        },
      ],
    }
  }
}
