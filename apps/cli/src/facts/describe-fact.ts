import { type CloudEvent } from '@cascata/events'
import { showCount, showNumber, showShare, showTime } from '../output/words.ts'
import { nameOf } from './log.ts'

type Data = Record<string, any> // eslint-disable-line @typescript-eslint/no-explicit-any -- facts of any version are shown as they are

const by = (data: Data): string => (data['by'] && data['by'] !== 'gates' ? ` by ${data['by']}` : '')
const because = (data: Data): string => (data['reason'] ? `: ${data['reason']}` : '')
const stage = (data: Data): string =>
  data['step'] === 0 ? 'in shadow' : `step ${data['step']}, ${showShare(data['share'])} of the traffic`
const rollout = (word: string) => (data: Data) =>
  `version ${data['version']} ${word}${data['champion'] ? ` beside ${data['champion']}` : ''}, ${stage(data)}${because(data)}`

const verdict = (data: Data): string => {
  const { holdout, why, comparison, version } = data
  const measured = holdout ? `, ${holdout.metric} ${showNumber(holdout.value)} on ${showCount(holdout.rows)} rows` : ''
  return `${version ? `version ${version}` : `run ${data['run']}`}${by(data)}${measured}${comparison ? `, against the champion: ${comparison}` : ''}${why ? `: ${why}` : ''}`
}

const finding = (data: Data): string => {
  const features = (data['features'] as { name: string }[] | undefined)?.slice(0, 3).map(({ name }) => name) ?? []
  const size =
    data['size'] === null || data['size'] === undefined
      ? ''
      : ` ${showNumber(data['size'])} (bound ${showNumber(data['threshold'])})`
  return `${data['type']}${data['version'] ? ` of version ${data['version']}` : ''}, ${data['measure']}${size}${features.length > 0 ? `: ${features.join(', ')}` : ''}${because(data)}`
}

const sentences: Readonly<Record<string, (data: Data) => string>> = {
  'rows.ingested': (data) =>
    `${showCount(data['rows'])} rows, ${data['ranges']
      .map((each: Data) => `${each['topic']}/${each['partition']}/${each['from']}–${each['to'] - 1}`)
      .slice(0, 4)
      .join(' ')}${data['ranges'].length > 4 ? ' …' : ''}, watermark ${showTime(data['watermark'])}`,
  'rows.rejected': (data) =>
    `${showCount(data['count'])} rows of ${data['topic']}/${data['partition']}: ${Object.entries(data['reasons'])
      .map(([code, count]) => `${code} ${String(count)}`)
      .join(', ')}`,
  'view.halted': (data) => data['reason'] ?? 'its cursor lies outside of its topic',
  'view.resumed': (data) => `from ${data['from']}${by(data)}${because(data)}`,
  'labels.ripened': (data) =>
    `${showCount(data['ripe'])} ripe, ${showCount(data['labelled'])} labelled, up to ${showTime(data['cutoff'])}`,
  'training.requested': (data) =>
    `run ${data['run']}, because of ${data['trigger']}${data['causes'].length > 1 ? ` (${data['causes'].length} causes)` : ''}`,
  'training.coalesced': (data) => `${data['cause'].trigger} into run ${data['into']}`,
  'training.refused': (data) =>
    `${data['run'] ? `run ${data['run']}` : (data['cause']?.trigger ?? 'a training')}${because(data)}`,
  'dataset.built': (data) => `${data['dataset']}, ${showCount(data['rows'])} rows up to ${showTime(data['cutoff'])}`,
  'dataset.failed': (data) => `${data['code']}: ${data['message']}`,
  'training.started': (data) => `run ${data['run']}, attempt ${data['attempt']}, ${data['executor']}`,
  'training.progressed': (data) => `run ${data['run']}, ${showShare(data['share'])}`,
  'training.succeeded': (data) =>
    `run ${data['run']}${Object.entries((data['metrics'] as Record<string, number | null> | undefined) ?? {})
      .slice(0, 3)
      .map(([name, value]) => `, ${name} ${showNumber(value)}`)
      .join('')}`,
  'training.failed': (data) => `run ${data['run']}, ${data['code']}: ${data['message']}`,
  'version.registered': (data) =>
    `version ${data['version']}${data['run'] ? ` of run ${data['run']}` : ''}${data['cutoff'] ? `, has seen up to ${showTime(data['cutoff'])}` : ''}`,
  'version.approved': verdict,
  'version.rejected': verdict,
  'version.loaded': (data) => `version ${data['version']} in ${data['replica']}`,
  'version.failed': (data) => `version ${data['version']} in ${data['replica']}, ${data['code']}: ${data['message']}`,
  'rollout.started': rollout('starts'),
  'rollout.stepped': rollout('goes on'),
  'rollout.held': rollout('waits'),
  'rollout.paused': rollout('is stopped'),
  'rollout.baking': (data) =>
    `version ${data['version']} answers everything, ${data['champion'] ?? 'the one before'} stays warm${because(data)}`,
  'rollout.completed': (data) =>
    `version ${data['version']} is the champion${data['champion'] ? ` in place of ${data['champion']}` : ''}${because(data)}`,
  'rollout.rolledback': (data) =>
    `version ${data['version']} was taken back${data['champion'] ? `, ${data['champion']} answers everything` : ''}${because(data)}`,
  'finding.opened': finding,
  'finding.closed': finding,
}

/** What a fact says, in one line. Facts that this command does not know are shown by their plain values. */
export function describeFact(event: CloudEvent): string {
  const data = (event.data ?? {}) as Data
  try {
    const sentence = sentences[nameOf(event)]
    if (sentence) return String(sentence(data))
  } catch {
    // A later version of the fact may lack a field: its plain values follow.
  }
  if (typeof data['reason'] === 'string') return `${data['reason']}${by(data)}`
  return Object.entries(data)
    .filter(([name, value]) => !['namespace', 'model', 'view', 'revision'].includes(name) && typeof value !== 'object')
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
}
