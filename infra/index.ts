export { root, homeOf, cacheOf, portOffsetOf } from './paths.ts'
export { type BackingName, type LocalService, type Say } from './backing/service.ts'
export { localService, type LocalSettings } from './backing/local.ts'
export { untilAnswers } from './backing/start.ts'
export { dockerAnswers } from './backing/docker-engine.ts'
export { images } from './backing/images.ts'
export { askForBrokers } from './backing/kafka-probe.ts'
export { freeOffset } from './platform/free-offset.ts'
export { freePort, isFree, portOwner } from './processes/ports.ts'
export {
  gone,
  isAlive,
  marker,
  processesWith,
  refOf,
  signalGroup,
  startDetached,
  stop,
  type Command,
  type ProcessRef,
} from './processes/process.ts'
export { ensureRedis } from './install/redis-server.ts'
export { installPackages, which } from './install/system-packages.ts'
