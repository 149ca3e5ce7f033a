export { type Clock, systemClock } from './clock.ts'
export { appHome, type AppName, appPorts, envPrefix } from './common-settings.ts'
export {
  type CommonConfig,
  type ConfigDefinition,
  ConfigError,
  type ConfigOf,
  defineConfig,
  type Environment,
  type SettingDescription,
} from './config.ts'
export { type Cause, type Context, currentCause, currentContext, runInContext } from './context.ts'
export {
  CodedError,
  defineError,
  type ErrorBody,
  type ErrorDefinition,
  type ErrorDetails,
  type ErrorFactory,
  isCodedError,
} from './errors.ts'
export { type ErrorSet, errorSet, generateErrorsDoc, undocumentedErrors } from './errors-doc.ts'
export { type RouteInfo } from './guard.ts'
export { type Check } from './health.ts'
export { type Client, type ClientOptions, createClient, urlPath } from './client.ts'
export { type ErrorFormat } from './http-server.ts'
export { parseJsonBody } from './json-body.ts'
export { createLogger, type Logger, type LogSink, redact } from './logger.ts'
export { createRegistry, type Registry } from './metrics.ts'
export { type KafkaConnection, kafkaOf } from './kafka-settings.ts'
export { nearest } from './nearest.ts'
export { currentPrincipal, Limits, mayAccess, permission, Permission, requireAccess, type Scope } from './permission.ts'
export { type RouteNotes } from './route-notes.ts'
export { type ApiDocument, generateApiDoc } from './api-doc.ts'
export { runApp } from './run-app.ts'
export { type RunningService, type ServiceOptions, startService } from './service.ts'
export { type Base, type Setting, setting, showBytes, showDuration } from './setting.ts'
export { serviceErrors } from './service-errors.ts'
export { changeTokens } from './change-tokens.ts'
export { createToken, type Principal, readTokens, type Role, roleAllows, roles, type TokenEntry } from './tokens.ts'
