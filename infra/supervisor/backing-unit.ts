import { localService } from '../backing/local.ts'
import { type BackingName } from '../backing/service.ts'
import { logFile } from '../platform/files.ts'
import { type Plan } from '../platform/plan.ts'
import { movedBackingPorts } from '../platform/ports.ts'
import { marker } from '../processes/process.ts'
import { type Unit } from './unit.ts'

/** A backing service as a local process, its data laid out. Installed by `up` before; nothing is fetched here. */
export const backingUnit = async (plan: Plan, name: BackingName): Promise<Unit & { url: string }> => {
  const ports = movedBackingPorts(plan.portOffset)
  const service = await localService(name, {
    home: plan.home,
    cache: plan.cache,
    ports,
    say: () => {},
    marks: { [marker]: plan.home },
  })
  await service.prepare()
  const log = logFile(plan.home, name)
  return {
    id: name,
    kind: 'backing',
    version: '1',
    url: service.url,
    logs: { out: log, err: log },
    command: service.command,
    answers: service.answers,
    stopSignal: service.stopSignal,
    patienceMs: 30_000,
  }
}
