import { type CommonConfig } from './config.ts'

type LoginBy<Mechanism> = Mechanism extends string ? { mechanism: Mechanism; username: string; password: string } : never
type Login = LoginBy<Exclude<CommonConfig['kafkaMechanism'], 'none'>>

/** How an app reaches Kafka, as messaging takes it. */
export interface KafkaConnection {
  brokers: string[]
  clientId: string
  ssl: boolean
  sasl?: Login
  maxUnpacked: number
}

const loginOf = ({ kafkaMechanism: mechanism, kafkaUser, kafkaPassword }: CommonConfig): { sasl?: Login } =>
  mechanism === 'none' ? {} : { sasl: { mechanism, username: kafkaUser ?? '', password: kafkaPassword ?? '' } as Login }

export const kafkaOf = (config: CommonConfig): KafkaConnection => ({
  brokers: config.kafkaBrokers,
  clientId: `cascata-${config.app}`,
  ssl: config.kafkaTls,
  maxUnpacked: config.kafkaMaxUnpacked,
  ...loginOf(config),
})
