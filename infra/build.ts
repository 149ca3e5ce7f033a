import { buildApp } from './build/bundle.ts'
import { serviceApps } from './build/sources.ts'

const asked = process.argv.slice(2)
for (const app of asked.length > 0 ? asked : serviceApps()) {
  const { version, built } = await buildApp(app)
  console.log(`${app} ${built ? 'built' : 'is up to date'} (${version})`)
}
