import { type BackingName, type Say } from '../backing/service.ts'
import { findJava, hasKafkaJars, javaPackages } from './kafka-jars.ts'
import { findRedis, redisPackages } from './redis-server.ts'
import { installPackages, which } from './system-packages.ts'

/** Installs every program of the distribution that local services lack, in one go, so that a person without root is told once. */
export const ensurePrograms = async (services: BackingName[], cache: string, say: Say): Promise<void> => {
  const kafka = services.includes('kafka')
  const missing = [
    ...(kafka && !findJava() ? [{ what: 'Java 17', packages: javaPackages }] : []),
    ...(kafka && !hasKafkaJars(cache) && !which('mvn') ? [{ what: 'Maven', packages: ['maven'] }] : []),
    ...(services.includes('redis') && !findRedis() ? [{ what: 'Redis', packages: redisPackages }] : []),
  ]
  if (missing.length === 0) return
  const names = missing.map(({ what }) => what)
  const list = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  await installPackages(
    list,
    missing.map(({ packages }) => packages),
    say,
  )
}
