import { type DynamicModule, Module } from '@nestjs/common'
import { ModelsController } from './models/models.controller.ts'
import { Parts } from './parts.ts'
import { ReproductionsController } from './reproductions/reproductions.controller.ts'
import { RunsController } from './runs/runs.controller.ts'
import { type Tools } from './runs/tools.ts'

@Module({})
export class DispatcherModule {
  /** All wiring of the routes. */
  static of({ db, clock, weigh, executor, config }: Tools): DynamicModule {
    return {
      module: DispatcherModule,
      controllers: [ModelsController, RunsController, ReproductionsController],
      providers: [
        { provide: Parts.database, useValue: db },
        { provide: Parts.clock, useValue: clock },
        { provide: Parts.weigh, useValue: weigh },
        { provide: Parts.executor, useValue: executor },
        { provide: Parts.config, useValue: config },
      ],
    }
  }
}
