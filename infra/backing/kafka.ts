import { randomUUID } from 'node:crypto'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Command } from '../processes/process.ts'
import { askForBrokers } from './kafka-probe.ts'
import { type LocalService } from './service.ts'

export interface KafkaSettings {
  folder: string
  jars: string
  java: string
  port: number
  controllerPort: number
  /** Class-data archive of this Java and Kafka: halves the start. Left out where none could be made. */
  archive?: string | undefined
  marks?: NodeJS.ProcessEnv
}

const properties = ({ folder, port, controllerPort }: KafkaSettings) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(folder, 'data')}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=4194304
message.max.bytes=4194304
`

const logging = `status = ERROR
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = {"time":"%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}","level":"%p","logger":"%c{1}","msg":"%enc{%m%throwable}{JSON}"}%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
`

const flags = (heap: string) => [
  `-Xms${heap}`,
  `-Xmx${heap}`,
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Djava.awt.headless=true',
]

const file = (settings: KafkaSettings) => join(settings.folder, 'server.properties')
const log4j = (settings: KafkaSettings) => join(settings.folder, 'log4j2.properties')

/** A Kafka broker (KRaft, one node) on loopback; what it acknowledged survives kill -9. */
export const kafka = (settings: KafkaSettings): LocalService => {
  const { folder, jars, java, port } = settings
  const classes = ['-cp', join(jars, '*')]
  return {
    name: 'kafka',
    ports: [port, settings.controllerPort],
    url: `127.0.0.1:${port}`,
    stopSignal: 'SIGTERM',
    async prepare() {
      mkdirSync(folder, { recursive: true })
      writeFileSync(file(settings), properties(settings))
      writeFileSync(log4j(settings), logging)
      if (existsSync(join(folder, 'data', 'meta.properties'))) return
      const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
      // Joined by `=`: one id in 64 begins with a dash, and would be taken for an option.
      const format = ['kafka.tools.StorageTool', 'format', `--cluster-id=${id}`, '-c', file(settings), '--ignore-formatted']
      await promisify(execFile)(java, [...flags('64m'), '-Xshare:auto', ...classes, ...format])
    },
    command: (): Command => ({
      file: java,
      args: [
        ...flags('192m'),
        ...(settings.archive ? [`-XX:SharedArchiveFile=${settings.archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'] : []),
        `-Dlog4j2.configurationFile=${log4j(settings)}`,
        ...classes,
        'kafka.Kafka',
        file(settings),
      ],
      env: { PATH: process.env['PATH'], ...settings.marks },
      cwd: folder,
    }),
    answers: () => askForBrokers('127.0.0.1', port),
  }
}

/** The port that a data folder was last used with, so that a restart by hand finds it. */
export const portOf = (folder: string): number | undefined => {
  const found =
    existsSync(join(folder, 'server.properties')) &&
    /listeners=PLAINTEXT:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(join(folder, 'server.properties'), 'utf8'))
  return found ? Number(found[1]) : undefined
}
