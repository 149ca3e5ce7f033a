import { expect, it } from 'vitest'
import { isPublicAddress, refusalOfUrl } from './public-address.ts'

it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

it.each([
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
  ...['192.168.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
  ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:0:1::', 'fd00::1', 'fe80::1', 'ff02::1', 'localhost', '', '1.2.3'],
])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false))

it.each([
  ['https://hooks.example.com/x', undefined],
  ['https://hooks.example.com:8443/x', undefined],
  ['http://hooks.example.com/x', 'only https is allowed'],
  ['https://user:secret@hooks.example.com/', 'it carries a user or a password'],
  ['ftp://hooks.example.com', 'it is no https URL'],
  ['nonsense', 'it is no https URL'],
  ['https://localhost/x', 'its address is not public'],
  ['https://LOCALHOST./x', 'its address is not public'],
  ['https://metadata.google.internal/x', 'its address is not public'],
  ['https://127.1/x', 'its address is not public'],
  ['https://0x7f000001/x', 'its address is not public'],
  ['https://2130706433/x', 'its address is not public'],
  ['https://[::1]/x', 'its address is not public'],
  ['https://[::ffff:10.0.0.1]/x', 'its address is not public'],
  ['https://169.254.169.254/latest/meta-data', 'its address is not public'],
])('%s: %s', (url, refusal) => expect(refusalOfUrl(url, [])).toBe(refusal))

it('lets the configuration name hosts that are private', () => {
  expect(refusalOfUrl('http://localhost:9000/x', ['localhost'])).toBeUndefined()
  expect(refusalOfUrl('http://[fd00::1]/x', ['fd00::1'])).toBeUndefined()
  expect(refusalOfUrl('http://localhost.example.com/x', ['localhost'])).toBe('only https is allowed')
})
