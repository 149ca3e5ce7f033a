import { type DeadLetter } from '@cascata/messaging'
import { InvalidArgumentError } from 'commander'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { withKafka } from '../facts/log.ts'
import { harmless, list as showList, table } from '../output/table.ts'
import { showCount, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

interface Selection {
  partition?: number
  offset?: number
  limit: number
}

const readSome = (context: Context, dlq: string, { partition, offset, limit }: Selection): Promise<DeadLetter[]> =>
  withKafka(context, async ({ messaging, kafka }) => {
    const topics = messaging.openTopics(kafka)
    try {
      if (!(await topics.list()).includes(dlq))
        throw new CommandError('CLI_NOT_FOUND', `there is no topic ${dlq}`, { hint: '`cascata dlq list` names them' })
      const one = partition !== undefined || offset !== undefined
      const letters = await messaging.readDeadLetters(kafka, dlq, { limit: one ? Number.MAX_SAFE_INTEGER : limit })
      const chosen = letters.filter(
        (each) => (partition ?? each.partition) === each.partition && (offset ?? each.offset) === each.offset,
      )
      if (one && chosen.length === 0) throw new CommandError('CLI_NOT_FOUND', `no dead letter lies there in ${dlq}`)
      return chosen.slice(0, limit)
    } finally {
      await topics.close()
    }
  })

async function list(context: Context): Promise<void> {
  const counts = await withKafka(context, async ({ messaging, kafka }) => {
    const topics = messaging.openTopics(kafka)
    return messaging.deadLetterTopics(topics, await topics.list()).then(
      async (found) => (await topics.close(), found),
      async (error: unknown) => {
        await topics.close()
        throw error
      },
    )
  })
  context.print(counts, () =>
    counts.length === 0
      ? 'there are no dead letters'
      : table(
          context,
          ['topic', 'dead letters'],
          counts.map(({ dlq, count }) => [dlq, showCount(count)]),
        ),
  )
}

const rowOf = ({ partition, offset, topic, from, at, reason }: DeadLetter) => [
  `${partition}/${offset}`,
  `${topic}/${from.partition}/${from.offset}`,
  showTime(at),
  reason.split('\n')[0],
]

async function show(context: Context, options: Selection, dlq?: string): Promise<void> {
  const letters = await readSome(context, dlq!, options)
  const one = letters.length === 1 && options.offset !== undefined ? letters[0] : undefined
  context.print(one ?? letters, () => {
    if (!one)
      return letters.length === 0 ? `${dlq} is empty` : table(context, ['at', 'came from', 'since', 'reason'], letters.map(rowOf))
    const facts = showList(context, [
      ['place', `${one.dlq}/${one.partition}/${one.offset}`],
      ['came from', `${one.topic}/${one.from.partition}/${one.from.offset}`],
      ['consumer', one.consumer],
      ['since', showTime(one.at)],
      ['reason', one.reason],
      ['key', one.key],
      ...Object.entries(one.headers)
        .filter(([name]) => !name.startsWith('cascata-dlq-'))
        .map(([name, value]) => [`header ${name}`, value] as const),
    ])
    return `${facts}\n\n${harmless(one.value ?? '(no value)')}`
  })
}

async function replay(context: Context, options: Selection & { all?: boolean }, dlq?: string): Promise<void> {
  if (options.all !== true && options.offset === undefined)
    throw wrongUsage('name the letter with --partition and --offset, or take --all')
  const letters = await readSome(context, dlq!, { ...options, limit: options.all ? Number.MAX_SAFE_INTEGER : options.limit })
  await withKafka(context, async ({ messaging, kafka }) => {
    const producer = await messaging.openProducer({ kafka, log: messaging.silent })
    try {
      await messaging.replayDeadLetters(producer, letters)
    } finally {
      await producer.close()
    }
  })
  const done = letters.map(({ partition, offset, topic }) => ({ partition, offset, topic }))
  context.print(
    { replayed: done.length, letters: done },
    () =>
      `${showCount(done.length)} sent again to ${[...new Set(done.map(({ topic }) => topic))].join(', ') || 'nowhere'}; the dead letters stay until their retention ends`,
  )
}

const whole = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a number')
  return Number(text)
}

export function registerDeadLetters({ program, action }: Registry): void {
  const dlq = program.command('dlq').description('messages that could not be handled')
  dlq
    .command('list')
    .description('topics of dead letters, with their counts')
    .addHelpText('after', examples('dlq list'))
    .action(action(list))
  dlq
    .command('show')
    .description('dead letters of a topic with their reasons; one of them in full')
    .argument('<topic>', 'a topic that dlq list names')
    .option('--partition <number>', 'only of this partition', whole)
    .option('--offset <number>', 'only at this offset', whole)
    .option('--limit <number>', 'at most so many', whole, 100)
    .addHelpText(
      'after',
      examples('dlq show flights.cascata.features.default.flights.dlq', 'dlq show … --partition 0 --offset 3'),
    )
    .action(action(show))
  dlq
    .command('replay')
    .description('send dead letters again to the topic they came from')
    .argument('<topic>', 'a topic that dlq list names')
    .option('--partition <number>', 'only of this partition', whole)
    .option('--offset <number>', 'only at this offset', whole)
    .option('--limit <number>', 'at most so many', whole, 100)
    .option('--all', 'all of them')
    .addHelpText(
      'after',
      examples('dlq replay flights.cascata.features.default.flights.dlq --partition 0 --offset 3', 'dlq replay … --all'),
    )
    .action(action(replay))
}
