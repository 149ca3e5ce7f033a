import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureTokens, serviceTokenFile } from './tokens.ts'

/** What a container of the platform's image runs: an app by its name, or `tokens`, which makes the tokens once and shows the admin's. */
const [what = ''] = process.argv.slice(2)
const secrets = '/run/cascata'

if (what === 'tokens') {
  console.log(await ensureTokens(secrets))
} else {
  const entry = join(import.meta.dirname, '..', '..', 'dist', 'apps', what, 'main.js')
  const env = { ...process.env, CASCATA_TOKEN: readFileSync(join(secrets, serviceTokenFile), 'utf8').trim() }
  const app = spawn(process.execPath, ['--enable-source-maps', entry], { stdio: 'inherit', env })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => app.kill(signal))
  app.on('exit', (code) => process.exit(code ?? 1))
}
