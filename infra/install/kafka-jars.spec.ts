import { expect, it } from 'vitest'
import { whyOfMaven } from './kafka-jars.ts'

it('tells the transfer that failed, not the error that follows from it', () => {
  const output = [
    '[INFO] Scanning for projects...',
    '[WARNING] Could not transfer metadata org.apache.maven.plugins/maven-metadata.xml: transfer failed',
    '[ERROR] No plugin found for prefix dependency',
  ].join('\n')
  expect(whyOfMaven(output)).toMatch(/^\[WARNING\] Could not transfer metadata .*\n {2}Is the network there\?/)
})

it('tells any other error as it is', () => {
  expect(whyOfMaven('\u001b[31m[ERROR] \u001b[0m\n[ERROR] No space left on device\n[ERROR] Re-run Maven')).toBe(
    '[ERROR] No space left on device',
  )
})
