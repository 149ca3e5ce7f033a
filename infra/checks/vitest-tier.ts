import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../paths.ts'
import { show } from './run-check.ts'

export type Tier = 'unit' | 'int' | 'e2e'

/** What a report of Vitest's JSON reporter holds, as far as it matters here. */
interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

const filesOf = (tier: Tier): string[] => {
  const suffix = { unit: '.spec.ts', int: '.int.spec.ts', e2e: '.e2e.spec.ts' }[tier]
  const other = /\.(int|e2e)\.spec\.ts$/
  return globSync(`{apps,libs,infra,test}/**/*${suffix}`, {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === 'dist',
  }).filter((file) => tier !== 'unit' || !other.test(file))
}

const readReport = (file: string): Report | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return undefined
  }
}

/** Runs one tier. A file that can't be loaded counts as one failed test, and so does a run that breaks off. */
export const runTier = async (tier: Tier): Promise<{ passed: number; failed: number }> => {
  if (filesOf(tier).length === 0) {
    process.stdout.write('no test files\n')
    return { passed: 0, failed: 0 }
  }
  const folder = mkdtempSync(join(tmpdir(), 'cascata-report-'))
  try {
    const file = join(folder, 'report.json')
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const options = [
      'run',
      '--config',
      'test/vitest.config.ts',
      '--project',
      tier,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ]
    const code = await show(process.execPath, [vitest, ...options])
    const report = readReport(file)
    if (!report) return { passed: 0, failed: 1 }
    const unloaded = report.testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    ).length
    const failed = report.numFailedTests + unloaded
    return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
