import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What every app shows of its messaging. Labels are bounded: consumers, topics and event types come from code and resources. */
export function messagingMetrics(registry: Registry) {
  const registers = [registry]
  return {
    lag: new Gauge({
      registers,
      name: 'cascata_consumer_lag_records',
      help: 'Records of a topic that a consumer has still to read.',
      labelNames: ['consumer', 'topic', 'partition'],
    }),
    handling: new Histogram({
      registers,
      name: 'cascata_handler_duration_seconds',
      help: 'Time from taking a fact up until its outcome, retries apart.',
      labelNames: ['consumer', 'type'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    }),
    outcomes: new Counter({
      registers,
      name: 'cascata_facts_handled_total',
      help: 'Facts handled, by outcome: done, drop, deadLetter, duplicate, parked.',
      labelNames: ['consumer', 'type', 'outcome'],
    }),
    retries: new Counter({
      registers,
      name: 'cascata_retries_total',
      help: 'Attempts after a first one failed.',
      labelNames: ['consumer'],
    }),
    outboxAge: new Gauge({
      registers,
      name: 'cascata_outbox_age_seconds',
      help: 'Age of the oldest message that waits to be sent; 0 when none does.',
    }),
    parked: new Gauge({
      registers,
      name: 'cascata_parked_keys',
      help: 'Keys whose facts are parked because handling one of them failed.',
      labelNames: ['consumer'],
    }),
    deadLetters: new Counter({
      registers,
      name: 'cascata_dead_letters_total',
      help: 'Messages sent to a dead-letter topic.',
      labelNames: ['consumer', 'topic'],
    }),
    records: new Counter({
      registers,
      name: 'cascata_consumed_records_total',
      help: 'Records whose effect is committed.',
      labelNames: ['consumer', 'topic'],
    }),
    halted: new Gauge({
      registers,
      name: 'cascata_halted_partitions',
      help: 'Partitions that stand still because their cursor lies outside of the topic.',
      labelNames: ['consumer', 'topic'],
    }),
  }
}
export type MessagingMetrics = ReturnType<typeof messagingMetrics>
