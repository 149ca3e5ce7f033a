import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { cascata } from '../test-shell.ts'

const complete = async (line: string): Promise<string[]> => {
  const { out } = await cascata(['completion', 'bash'])
  const words = line.split(' ')
  const script = `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _cascata; printf '%s\\n' "\${COMPREPLY[@]}"`
  const ran = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect(ran.stderr).toBe('')
  return ran.stdout.split('\n').filter((word) => word !== '')
}

it.each([
  ['cascata ro', ['rollback']],
  ['cascata data', ['dataset']],
  ['cascata dataset ', ['build', 'show', 'download', '--help', '--json', '--token', '--namespace', '--help']],
  ['cascata dataset do', ['download']],
  ['cascata get v', ['views', 'versions', 'view']],
  ['cascata get --output ', ['yaml', 'json', 'table']],
  ['cascata view resume plans --from ', ['earliest', 'latest']],
  ['cascata --json runs --st', ['--state']],
  ['cascata completion z', ['zsh']],
])('bash completes %j', async (line, expected) => {
  expect(await complete(line)).toEqual(expected)
})

it('bash completes files after -f', async () => {
  expect(await complete('cascata apply -f package.js')).toEqual(['package.json'])
})

it('zsh has the same words', async () => {
  const { out } = await cascata(['completion', 'zsh'])
  expect(out).toMatch(/^#compdef cascata\n/)
  expect(out).toContain("'dataset') offered='build show download --help'")
})
