import { type Database } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { type DynamicModule, Module } from '@nestjs/common'
import { AuditController } from './audit/audit.controller.ts'
import { type BlobStore } from './blobs/blob-store.ts'
import { EvidenceController } from './evidence/evidence.controller.ts'
import { versionFacts } from './evidence/version-facts.ts'
import { LineageController } from './lineage/lineage.controller.ts'
import { type Origin } from './lineage/openlineage.ts'
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
  static of({ db, clock, blobs, origin }: { db: Database; clock: Clock; blobs: BlobStore; origin: Origin }): DynamicModule {
    return {
      module: RegistryModule,
      controllers: [ResourcesController, VersionsController, LineageController, AuditController, EvidenceController],
      providers: [
        { provide: Parts.database, useValue: db },
        { provide: Parts.clock, useValue: clock },
        { provide: Parts.blobs, useValue: blobs },
        { provide: Parts.lineageOrigin, useValue: origin },
        {
          provide: Parts.versionFacts,
          useFactory: (database: Database, store: BlobStore) => versionFacts({ db: database, blobs: store }),
          inject: [Parts.database, Parts.blobs],
        },
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
