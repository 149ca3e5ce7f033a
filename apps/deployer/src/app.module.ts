import { type Database } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { type DynamicModule, Module } from '@nestjs/common'
import { type DeployerMetrics } from './metrics.ts'
import { Parts } from './parts.ts'
import { commandRollout } from './rollouts/command-rollout.ts'
import { RolloutsController } from './rollouts/rollouts.controller.ts'

@Module({})
export class DeployerModule {
  /** The wiring of the HTTP side. */
  static of({ db, clock, metrics }: { db: Database; clock: Clock; metrics: DeployerMetrics }): DynamicModule {
    return {
      module: DeployerModule,
      controllers: [RolloutsController],
      providers: [
        { provide: Parts.database, useValue: db },
        {
          provide: Parts.command,
          useFactory: (database: Database) => commandRollout({ db: database, clock, metrics }),
          inject: [Parts.database],
        },
      ],
    }
  }
}
