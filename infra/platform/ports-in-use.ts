import { isFree, portOwner } from '../processes/ports.ts'

export interface WantedPort {
  port: number
  /** Who wants it. */
  unit: string
  /** Names a server to use instead. */
  variable?: string
}

/** @throws naming every port that is taken, by whom, and what can be done. */
export const mustBeFree = async (wanted: WantedPort[]): Promise<void> => {
  const taken: string[] = []
  for (const { port, unit, variable } of wanted) {
    if (await isFree(port)) continue
    const hint = variable ? `; to use a server that runs already, set ${variable}` : ''
    taken.push(`port ${port}, for ${unit}, is in use by ${portOwner(port) ?? 'another process'}${hint}`)
  }
  if (taken.length > 0) throw new Error(`${taken.join('\n')}\nCASCATA_PORT_OFFSET=4000 moves every port of the platform.`)
}
