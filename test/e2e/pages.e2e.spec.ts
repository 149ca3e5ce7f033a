import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, needProgram, openApiText } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blockOf, blocksOf, commandsOf } from './page.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
beforeAll(async () => {
  // The pages ask with it, as their readers do.
  await needProgram('curl')
  platform = await startPlatform()
}, 600_000)
afterAll(async () => {
  await platform?.stop()
}, 120_000)

const patient = { timeout: 120_000, interval: 200 }
describe('Your first model', () => {
  const page = 'first-model.md'
  const inHome = () => ({ 'shop.yaml': join(platform.home, 'shop.yaml') })

  it('comes from a topic, by the commands of the page', async () => {
    writeFileSync(inHome()['shop.yaml'], blockOf(page, '2.', 'yaml'))
    const [plan, apply] = commandsOf(blockOf(page, '2.', 'sh'))
    expect(await platform.shell(plan!, inHome())).toMatchObject({ code: 3, stdout: expect.stringContaining('returns-risk') })
    expect(await platform.shell(apply!, inHome())).toMatchObject({ code: 0 })
    const active = async (view: string) => (await platform.get('feature-store', `/v1/views/default/${view}`)).state === 'active'
    await eventually(async () => expect(await Promise.all(['orders', 'returns'].map(active))).toEqual([true, true]))
    const publisher = join(platform.home, 'publish.mjs')
    writeFileSync(publisher, blockOf(page, '3.', 'js').replace('.cascata/', `${platform.home}/`))
    expect(await platform.shell(`node --input-type=module -e "$(cat ${publisher})"`)).toMatchObject({ code: 0 })
    const route = () => platform.get('deployer', '/v1/routes/default/returns-risk')
    await eventually(async () => expect((await route()).serving).toBe('1'), patient)
  })

  it('is told of as the page tells it', async () => {
    const [tail] = commandsOf(blockOf(page, '4.', 'sh'))
    const chain = blockOf(page, '4.', '').trim().split(' → ')
    const told = async () => (await platform.shell(`${tail} --no-follow --last 100`)).stdout
    await eventually(
      async () => expect(await told()).toMatch(new RegExp(chain.map((each) => each.replace('.', '\\.')).join('[^]*'))),
      patient,
    )
  })

  it('answers, and says where it comes from', async () => {
    const { stdout } = await platform.shell(blockOf(page, '5.', 'sh'))
    expect(JSON.parse(stdout)).toMatchObject({ model: 'returns-risk', predictions: [{ version: '1' }, { version: '1' }] })
    const [why, trace] = commandsOf(blockOf(page, '6.', 'sh'))
    expect((await platform.shell(why!)).stdout).toContain('labels.ripened')
    expect((await platform.shell(trace!)).stdout).toMatch(/returns-risk/)
  })
})

describe('API', () => {
  const examples = blocksOf('api.md', 'Examples').filter(({ language }) => language === 'sh' || language === 'json')
  const answersIn = (text: string): unknown[] => {
    try {
      return [JSON.parse(text)]
    } catch {
      return text.trim().split('\n').map((line) => JSON.parse(line) as unknown) // prettier-ignore
    }
  }
  const shape = (value: unknown): unknown =>
    value === '…'
      ? expect.stringMatching(/./)
      : Array.isArray(value)
        ? value.map(shape)
        : typeof value === 'object' && value !== null
          ? expect.objectContaining(Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shape(each)])))
          : value

  it('has examples with their answers', () => {
    expect(examples.map(({ language }) => language).join(' ')).toMatch(/^(sh json ?){7,}$/)
  })

  it.each(examples.flatMap(({ text }, at) => (at % 2 === 0 ? [[text, examples[at + 1]!.text] as const] : [])))(
    'answers %s',
    async (script, expected) => {
      const { stdout } = await platform.shell(script.replaceAll(/^curl/gm, 'echo; curl'))
      const answers = stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as unknown) // prettier-ignore
      expect(answers).toEqual(answersIn(expected).map(shape))
    },
  )

  it('lists the routes that are there: `vitest -u` and `npm run generate` after a change', async () => {
    for (const [app, { url }] of Object.entries(platform.read().apps))
      await expect(await openApiText(url)).toMatchFileSnapshot(`../../apps/${app}/openapi.json`)
  })
})

describe('Reproduce and trace', () => {
  const commands = blocksOf('reproduce-and-trace.md').flatMap(({ text }) => commandsOf(text))
  const run = async (word: string) => {
    const command = commands.find((each) => each.includes(` ${word}`))!
    return platform.shell(command, {
      'flight-delay/3': 'returns-risk/1',
      'flight-delay/4': 'returns-risk/1',
      'flights/0/4711': 'orders/0/0',
      'card.html': join(platform.home, 'card.html'),
    })
  }

  it('has commands that do what they say', async () => {
    expect(await run('reproduce')).toMatchObject({ code: 0, stdout: expect.stringContaining('the same, bit for bit') })
    expect((await run('lineage flight-delay/3')).stdout).toMatch(/orders\/\d up to[^]*dataset[^]*run[^]*returns-risk\/1/)
    expect((await run('lineage flights/0/4711')).stdout).toMatch(/^digraph[^]*returns-risk\/1/)
    expect((await run('compare')).stdout).toMatch(/default\/returns-risk\/1[^]*auc/i)
    expect((await run('card')).stdout).toContain('card.html')
    expect(await platform.cascata('reject', 'returns-risk/1', '--why', 'for the test', '--by', 'ada')).toMatch(
      /gates passed[^]*is rejected/,
    )
    expect(await platform.cascata('approve', 'returns-risk/1', '--by', 'ada')).toContain('is approved')
    expect((await run('audit')).stdout).toMatch(/version\.approved[^]*version\.rejected[^]*for the test/)
  })
})
