import { type Database } from '@cascata/messaging'
import { type DynamicModule, Module } from '@nestjs/common'
import { FindingsController } from './findings/findings.controller.ts'
import { ModelsController } from './models/models.controller.ts'
import { Parts } from './parts.ts'

@Module({})
export class MonitorModule {
  /** All wiring of the routes. */
  static of({ db }: { db: Database }): DynamicModule {
    return {
      module: MonitorModule,
      controllers: [ModelsController, FindingsController],
      providers: [{ provide: Parts.database, useValue: db }],
    }
  }
}
