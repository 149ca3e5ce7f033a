import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Say } from '../backing/service.ts'
import { scratchFolder } from './scratch.ts'
import { installPackages, which } from './system-packages.ts'

export const kafkaVersion = '4.4.0'
const log4jVersion = '2.25.5'
const leastJava = 17

/** Major version of a Java runtime, 0 when it does not answer. */
const javaMajor = (java: string): number => {
  const told = spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr ?? ''
  const match = /version "(\d+)(?:\.(\d+))?/.exec(told)
  return match ? Number(match[1] === '1' ? match[2] : match[1]) : 0
}

const javaCandidates = (): string[] => {
  const own = process.env['JAVA_HOME'] ? [join(process.env['JAVA_HOME'], 'bin', 'java')] : []
  const installed = existsSync('/usr/lib/jvm')
    ? readdirSync('/usr/lib/jvm').map((name) => join('/usr/lib/jvm', name, 'bin', 'java'))
    : []
  return [...own, which('java') ?? '', ...installed].filter((path) => path !== '' && existsSync(path))
}

/** A Java 17 or newer, undefined when there is none. */
export const findJava = (): string | undefined => javaCandidates().find((path) => javaMajor(path) >= leastJava)

export const javaPackages = [
  'openjdk-17-jre-headless',
  'openjdk-21-jre-headless',
  'openjdk-25-jre-headless',
  'default-jre-headless',
]

/** A Java 17 or newer, installed when there is none. */
export const ensureJava = async (say: Say): Promise<string> => {
  if (!findJava()) await installPackages('Java 17', [javaPackages], say)
  const java = findJava()
  if (!java) throw new Error('Java was installed, but no Java 17 or newer answers: set JAVA_HOME to one.')
  return java
}

const jarsIn = (cache: string): string => join(cache, `kafka-${kafkaVersion}-log4j-${log4jVersion}`)

export const hasKafkaJars = (cache: string): boolean => existsSync(jarsIn(cache))

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cascata</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${log4jVersion}</version></dependency>
  </dependencies>
</project>
`

/** What Maven says of its failure, with what to do: transfers that failed are warnings, and the error after them leads astray. */
export const whyOfMaven = (output: string): string => {
  const lines = output.replaceAll(/\u001b\[[0-9;]*m/g, '').split('\n')
  const transfer = lines.find((line) => /transfer failed|could not transfer|unknown host|PKIX path/i.test(line))
  const said = transfer ?? lines.find((line) => line.startsWith('[ERROR] ') && line.length > 8) ?? lines.findLast(Boolean)
  const hint = transfer
    ? '\n  Is the network there? A proxy goes into ~/.m2/settings.xml, a certificate authority of your own into the trust store of Java; then run the command again.'
    : ''
  return `${(said ?? 'it said nothing').slice(0, 600)}${hint}`
}

const copyDependencies = (java: string, folder: string, into: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const args = [
      '-B',
      // Maven remembers what it could not fetch, and would not try again for a day.
      '-U',
      '-f',
      join(folder, 'pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${into}`,
      '-DincludeScope=runtime',
    ]
    const javaHome = join(java, '..', '..')
    const child = spawn('mvn', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(java.startsWith('/usr/bin') ? {} : { JAVA_HOME: javaHome }) },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output = (output + chunk).slice(-100_000)))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`Maven could not fetch Kafka ${kafkaVersion}: ${whyOfMaven(output)}`)),
    )
  })

/**
 * The folder of Kafka's jars, fetched by Maven the first time; it appears whole or not at all.
 *
 * @param cache Folder kept over platforms and purges.
 */
export const ensureKafkaJars = async (java: string, cache: string, say: Say): Promise<string> => {
  const jars = jarsIn(cache)
  if (existsSync(jars)) return jars
  if (!which('mvn')) await installPackages('Maven', [['maven']], say)
  say(`fetching Apache Kafka ${kafkaVersion} (43 MB, once)`)
  const work = scratchFolder(cache, 'fetching')
  try {
    writeFileSync(join(work, 'pom.xml'), pom)
    await copyDependencies(java, work, join(work, 'jars'))
    try {
      renameSync(join(work, 'jars'), jars)
    } catch (error) {
      if (!existsSync(jars)) throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return jars
}
