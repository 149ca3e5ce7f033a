"""Publishes rows as a team's own producer would: librdkafka by Confluent's client, its serializers, a codec.

Reads from the standard input {brokers, registry, login, sends: [{topic, codec, format, schema, rows}]}.
"""

import json
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

asked = json.load(sys.stdin)
registry = SchemaRegistryClient({"url": asked["registry"], "basic.auth.user.info": asked["login"]})


def serializer(send):
    if send["format"] == "avro":
        return AvroSerializer(registry, send["schema"])
    if send["format"] == "json-schema":
        return JSONSerializer(send["schema"], registry)
    return lambda row, context: json.dumps(row).encode()


failed = []
for send in asked["sends"]:
    producer = Producer(
        {"bootstrap.servers": asked["brokers"], "compression.type": send["codec"], "linger.ms": 50, "enable.idempotence": True}
    )
    serialize = serializer(send)
    context = SerializationContext(send["topic"], MessageField.VALUE)
    for row in send["rows"]:
        producer.produce(
            send["topic"], value=serialize(row, context), on_delivery=lambda error, _: error and failed.append(str(error))
        )
    producer.flush(30)
print(json.dumps({"failed": failed}))
sys.exit(1 if failed else 0)
