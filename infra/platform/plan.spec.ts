import { expect, it } from 'vitest'
import { appPorts as portsOfService } from '@cascata/service'
import { environmentFor, parseReplicas } from './plan.ts'
import { appPort, appPorts, backingPorts, mostReplicas } from './ports.ts'

it('reads replicas, one word or many', () => {
  const apps = ['registry', 'feature-store']
  expect(parseReplicas(['feature-store=2,registry=1'], apps, 9)).toEqual({ 'feature-store': 2, registry: 1 })
  expect(parseReplicas(['feature-store=2', 'registry=3'], apps, 9)).toEqual({ 'feature-store': 2, registry: 3 })
})

it.each([
  ['featurestore=2', 'there is no app featurestore'],
  ['registry', 'expected registry=1 to registry=9'],
  ['registry=0', 'expected registry=1 to registry=9'],
  ['registry=10', 'expected registry=1 to registry=9'],
  ['=2', 'there is no app (none named)'],
])('refuses --replicas %s', (word, message) => {
  expect(() => parseReplicas([word], ['registry'], 9)).toThrow(message)
})

it('passes on what programs need and settings of the platform, nothing else of a shell', () => {
  const shell = {
    PATH: '/bin',
    HOME: '/root',
    HTTPS_PROXY: 'http://proxy',
    DISPATCHER_MAX_CONCURRENT: '1',
    CASCATA_LOG_LEVEL: 'debug',
    KAFKA_TLS: 'true',
    npm_config_registry: 'http://somewhere',
    NODE_OPTIONS: '--inspect',
    SECRET_OF_OTHERS: 'x',
  }
  expect(Object.keys(environmentFor(['dispatcher'], shell)).sort()).toEqual([
    'CASCATA_LOG_LEVEL',
    'DISPATCHER_MAX_CONCURRENT',
    'HOME',
    'HTTPS_PROXY',
    'KAFKA_TLS',
    'PATH',
  ])
})

it('has the ports that the apps take by themselves', () => {
  expect(appPorts).toEqual(portsOfService)
})

it('has room for every replica between the apps', () => {
  const taken = [
    ...Object.keys(appPorts).flatMap((app) => Array.from({ length: mostReplicas }, (_, replica) => appPort(app, replica, 0))),
    ...Object.values(backingPorts),
  ]
  expect(new Set(taken).size).toBe(taken.length)
})
