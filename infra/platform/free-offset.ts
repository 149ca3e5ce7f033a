import { isFree } from '../processes/ports.ts'
import { appPorts, backingPorts } from './ports.ts'

/** A port offset at which every port of a platform is free now, two replicas of each app included. */
export const freeOffset = async (): Promise<number> => {
  const apps = Object.values(appPorts).flatMap((port) => [port, port + 1])
  for (let tries = 0; tries < 500; tries += 1) {
    const offset = 1_000 + Math.floor(Math.random() * 12_000)
    const free = await Promise.all([...apps, ...Object.values(backingPorts)].map((port) => isFree(port + offset)))
    if (free.every(Boolean)) return offset
  }
  throw new Error('There is no offset at which every port of a platform is free.')
}
