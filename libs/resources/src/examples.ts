/** The documents of the documentation, for this library's own tests. */

export const flights = `apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights, namespace: default, owner: ops-ml, description: Flight plans, tags: []}
spec:
  source: {topic: flights, format: json, partitions: 4, startFrom: earliest, lag: 0s, idleAfter: 1m}
  entity: [flight]
  eventTime: {field: publishedAt, format: iso8601}
  ttl: 30d
  freshness: none
  fields:
    flight: string
    publishedAt: timestamp
    departsAt: timestamp
    origin: string
    destination: string
    carrier: {type: string, maxLength: 2, description: IATA code}
    distanceKm: {type: double, min: 0}
    gateChanges: {type: int, nullable: true}
`

export const outcomes = `apiVersion: cascata/v1
kind: FeatureView
metadata: {name: outcomes}
spec:
  source: {topic: flight-outcomes}
  entity: [flight]
  eventTime: {field: landedAt}
  fields: {flight: string, landedAt: timestamp, delayed: bool, delayMin: {type: double, nullable: true}}
`

export const routes = `apiVersion: cascata/v1
kind: FeatureView
metadata: {name: route-delays}
spec:
  source: {topic: route-delays}
  entity: [origin, destination]
  eventTime: {field: landedAt}
  fields: {origin: string, destination: string, landedAt: timestamp, delayMin: {type: double, nullable: true}}
`

export const routeDelays = `${routes}  aggregations:
    delay: {fn: mean, of: delayMin, windows: [3h, 24h]}
    flights: {fn: count, windows: [24h]}
`

export const lean = `apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 36h}
  features: ["flights:carrier", "flights:distanceKm", "route-delays:*"]
  rollout: {unit: [flight]}
`

export const everything = `apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay}
spec:
  task: binary
  observations: {view: flights, at: departsAt, lead: 2h}
  label: {field: "outcomes:delayed", within: 36h, missing: drop}
  features: ["flights:carrier", "flights:distanceKm", "route-delays:*"]
  request: {gateChanges: {type: int, history: "flights:gateChanges"}}
  onMissing: passNull
  clock: wall
  priority: 0
  train:
    trainer: gbdt
    code: none
    params: {}
    seed: 1
    rows: {history: auto, max: 2000000, min: 1000}
    split: {validation: 10%, holdout: 20%}
    refit: true
    run: {executor: process, cpu: 1, memory: 2Gi, timeout: 30m, retries: 1, env: {}}
  retrain:
    when: {newLabels: 15%, drift: true, performance: true, maxAge: 30d, schedule: none}
    limits: {debounce: 1m, cooldown: 1h, perDay: 6, minNewLabels: 500}
  gates:
    metric: auc
    require: {auc: ">= 0.60"}
    champion: {margin: 0.002, confidence: 95%, minRows: 1000}
    fairness: []
    latencyP99: 50ms
    approval: auto
  rollout:
    unit: [flight]
    shadow: 10m
    steps: [5%, 25%, 50%]
    step: {min: 10m, units: 500, max: 24h, onInconclusive: hold}
    guard: {errors: "+1%", latencyP99: "+25%", shift: 0.2}
    bake: auto
  monitor:
    window: 1d
    drift: {size: 0.1, share: 30%, persist: 2 of 3, minRows: 500}
    performance: {drop: 5%, minLabels: 500}
    log: {sample: 100%, keep: 30d}
`
