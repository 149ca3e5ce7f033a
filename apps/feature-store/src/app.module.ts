import { type DynamicModule, Module } from '@nestjs/common'
import { type Database, type Messaging } from '@cascata/messaging'
import { FeatureViewsController } from './feature-views/feature-views.controller.ts'
import { viewDuties } from './feature-views/view-duties.ts'
import { type SegmentStore } from './offline/segments.store.ts'
import { Parts } from './parts.ts'

@Module({})
export class FeatureStoreModule {
  /** All wiring of the JSON routes. */
  static of({ db, messaging, segments }: { db: Database; messaging: Messaging; segments: SegmentStore }): DynamicModule {
    return {
      module: FeatureStoreModule,
      controllers: [FeatureViewsController],
      providers: [
        { provide: Parts.database, useValue: db },
        { provide: Parts.messaging, useValue: messaging },
        { provide: Parts.segments, useValue: segments },
        {
          provide: Parts.viewDuties,
          useFactory: (database: Database, bus: Messaging, store: SegmentStore) =>
            viewDuties({ db: database, messaging: bus, segments: store }),
          inject: [Parts.database, Parts.messaging, Parts.segments],
        },
      ],
    }
  }
}
