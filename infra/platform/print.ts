import { type PlatformFile } from './files.ts'

/** The addresses, on standard output. */
export const printPlatform = (platform: PlatformFile, home: string, already: boolean): void => {
  const apps = Object.entries(platform.apps).flatMap(([name, { replicas }]) =>
    replicas.map(({ url }, at) => [at === 0 ? name : '', url] as const),
  )
  const backing = [
    ['kafka', platform.kafka],
    ['postgres', platform.postgres.replace(/:[^:@/]*@/, ':…@')],
    ['redis', platform.redis],
  ] as const
  const width = Math.max(...[...apps, ...backing].map(([name]) => name.length))
  const lines = [...apps, ...backing].map(([name, url]) => `  ${name.padEnd(width)}  ${url}`)
  console.log(
    [
      already ? 'The platform is up already.' : 'The platform is up.',
      ...lines,
      '',
      `State and logs: ${home}`,
      'Stop it with: npm run down',
    ].join('\n'),
  )
}
