import { type DynamicModule, Module } from '@nestjs/common'
import { type Database, type Messaging } from '@cascata/messaging'
import { CatalogueController } from './catalogue/catalogue.controller.ts'
import { type LookInto } from './catalogue/look-into.ts'
import { type Eraser } from './erasure/erase.ts'
import { ErasureController } from './erasure/erasure.controller.ts'
import { FeatureViewsController } from './feature-views/feature-views.controller.ts'
import { viewDuties } from './feature-views/view-duties.ts'
import { type Duck } from './offline/duckdb.ts'
import { type SegmentStore } from './offline/segments.store.ts'
import { type OnlineStore } from './online/online-store.ts'
import { Parts } from './parts.ts'

@Module({})
export class FeatureStoreModule {
  /** All wiring of the JSON routes. */
  static of({
    db,
    messaging,
    segments,
    online,
    merging,
    folder,
    eraser,
    lookInto,
  }: {
    db: Database
    messaging: Messaging
    segments: SegmentStore
    online: OnlineStore
    /** Of upkeep. */
    merging: Duck
    /** Where segments lie. */
    folder: string
    eraser: Eraser
    lookInto: LookInto
  }): DynamicModule {
    return {
      module: FeatureStoreModule,
      controllers: [FeatureViewsController, ErasureController, CatalogueController],
      providers: [
        { provide: Parts.database, useValue: db },
        { provide: Parts.messaging, useValue: messaging },
        { provide: Parts.segments, useValue: segments },
        { provide: Parts.eraser, useValue: eraser },
        { provide: Parts.lookInto, useValue: lookInto },
        {
          provide: Parts.viewDuties,
          useFactory: (database: Database, bus: Messaging, store: SegmentStore) =>
            viewDuties({ db: database, messaging: bus, segments: store, online, duck: merging, folder }),
          inject: [Parts.database, Parts.messaging, Parts.segments],
        },
      ],
    }
  }
}
