/** The resource of a view of flight plans, which the benchmarks of ingestion and import fill. `more` are further lines of its spec. */
export const flightPlans = (view: string, partitions: number, more = '') => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: ${view}}
spec:
  source: {topic: ${view}, partitions: ${partitions}}
  entity: [flight]
  eventTime: {field: publishedAt}
${more}  fields:
    flight: string
    publishedAt: timestamp
    departsAt: timestamp
    origin: string
    destination: string
    carrier: {type: string, maxLength: 2}
    distanceKm: {type: double, min: 0}
    gateChanges: {type: int, nullable: true}
    hour: int
    weekday: int
`
