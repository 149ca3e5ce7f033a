import { BlockList, isIP } from 'node:net'

const v4 = [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
  ],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
/** Also those that carry an address of version 4 inside: mapped, translated, 6to4, Teredo. */
const v6 = [
  ...['::/96', '::ffff:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
]

/** A list a family: a range of mapped addresses would match all of version 4. */
const listOf = (ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const [network, bits] = range.split('/') as [string, string]
    list.addSubnet(network, Number(bits), family)
  }
  return list
}
const special = { 4: listOf(v4, 'ipv4'), 6: listOf(v6, 'ipv6') }

/** Whether an address is one of the public Internet, as the registries of IANA for special purposes have it (RFC 6890 and its followers). */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address)
  if (family === 0) return false
  return family === 4 ? !special[4].check(address, 'ipv4') : !special[6].check(address, 'ipv6')
}

/** The host of a URL without the brackets of an address of version 6. */
export const hostOf = ({ hostname }: URL): string =>
  hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()

/** Names that mean this machine, wherever they are asked. */
const isLocalName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.internal')

/**
 * Why a URL must not be called, as far as it can be told without asking for its name's address; undefined when nothing speaks against it.
 * `allowed` are hosts that may be private, and may be called without TLS.
 */
export const refusalOfUrl = (text: string, allowed: readonly string[]): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'it is no https URL'
  if (url.username !== '' || url.password !== '') return 'it carries a user or a password'
  const host = hostOf(url)
  if (allowed.includes(host)) return undefined
  if (url.protocol !== 'https:') return 'only https is allowed'
  if (isLocalName(host) || (isIP(host) !== 0 && !isPublicAddress(host))) return 'its address is not public'
  return undefined
}
