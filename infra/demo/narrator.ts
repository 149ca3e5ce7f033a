import { type Told } from './cascades.ts'
import { type Screen } from './screen.ts'

const share = (value: unknown) => (typeof value === 'number' ? `${Math.round(value * 100)} %` : '')

/** What is worth a line, in words. What repeats by the thousand has none. */
const words: Record<string, (data: Told['data']) => string> = {
  'training.requested': ({ run, trigger }) => `training ${short(run)} requested because of ${trigger}`,
  'training.refused': ({ reason }) => `training refused: ${reason}`,
  'dataset.built': ({ rows, cutoff }) =>
    `dataset of ${Number(rows).toLocaleString('en')} rows, up to ${String(cutoff).slice(0, 16)}`,
  'dataset.failed': ({ code, message }) => `dataset failed: ${code} ${message}`,
  'training.succeeded': ({ run }) => `training ${short(run)} succeeded`,
  'training.failed': ({ run, code, message }) =>
    code === 'DISP_RUN_CANCELLED' ? `training ${short(run)} cancelled` : `training ${short(run)} failed: ${code} ${message}`,
  'version.registered': ({ version }) => `version ${version} registered`,
  'version.approved': ({ version, verdict }) =>
    `version ${version} passed its gates${verdict === 'approved' ? '' : ` (${verdict})`}`,
  'version.rejected': ({ version, run, verdict }) =>
    `${version ? `version ${version}` : `the model of ${short(run)}`} was refused by its gates (${verdict})`,
  'rollout.started': ({ version, champion }) =>
    `rollout of version ${version} begins${champion ? ` beside version ${champion}` : ''}`,
  'rollout.stepped': ({ version, share: part }) => `version ${version} answers ${share(part)}`,
  'rollout.held': ({ version, reason }) => `rollout of version ${version} is held: ${reason}`,
  'rollout.baking': ({ version }) => `version ${version} answers all and bakes`,
  'rollout.completed': ({ version }) => `version ${version} serves`,
  'rollout.rolledback': ({ version, reason }) => `version ${version} is rolled back: ${reason}`,
  'finding.opened': ({ type, features, measure, size, version }) =>
    `finding: ${type}${version ? ` of version ${version}` : ''}${namesOf(features)}${measure ? ` (${measure} ${Number(size).toFixed(3)})` : ''}`,
  'finding.closed': ({ type }) => `finding closed: ${type ?? ''}`,
  'training.frozen': ({ reason }) => `training is frozen: ${reason}`,
  'training.unfrozen': () => 'training goes on',
  'model.suspended': ({ reason }) => `the model is suspended: ${reason}`,
  'view.halted': ({ view, reason }) => `view ${view} is halted: ${reason}`,
}

/** The features of a finding, which come as names or with their sizes. */
function namesOf(features: unknown): string {
  if (!Array.isArray(features) || features.length === 0) return ''
  const names = features.map((it: string | { name?: string; feature?: string }) =>
    typeof it === 'string' ? it : (it.name ?? it.feature),
  )
  return ` in ${names.join(', ')}`
}

const short = (id: unknown) => String(id).slice(0, 8)

/** Says a fact aloud. */
export function tell(screen: Screen, { name, data }: Told): void {
  const say = words[name]
  if (say) screen.line(`  ${say(data)}`)
}
