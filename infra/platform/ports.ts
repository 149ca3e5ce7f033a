/** Ports of the apps, before `CASCATA_PORT_OFFSET`. */
export const appPorts: Readonly<Record<string, number>> = {
  registry: 5000,
  'feature-store': 6566,
  dispatcher: 7070,
  deployer: 7080,
  inference: 8080,
  monitor: 7090,
  console: 3000,
}

/** Ports of the backing services that the platform runs itself; off the usual ones where servers of the distribution tend to sit. */
export const backingPorts = { kafka: 9092, kafkaController: 9093, postgres: 15_432, redis: 16_379 } as const

/** Replicas of an app take the ports after its own. */
export const mostReplicas = 9

/** @throws for an app that has no port here. */
export const appPort = (app: string, replica: number, offset: number): number => {
  const port = appPorts[app]
  if (port === undefined) throw new Error(`The app ${app} has no port: add it to infra/platform/ports.ts.`)
  return port + replica + offset
}

export const movedBackingPorts = (offset: number) => ({
  kafka: backingPorts.kafka + offset,
  kafkaController: backingPorts.kafkaController + offset,
  postgres: backingPorts.postgres + offset,
  redis: backingPorts.redis + offset,
})

/** `feature-store` → `FEATURE_STORE`. */
export const envPrefix = (app: string): string => app.toUpperCase().replaceAll('-', '_')
