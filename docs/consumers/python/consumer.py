"""Follows the files of a source on the topic of last states: consumer.py SERVERS TOPIC SOURCE.

Prints each file as it is, then each change, as JSON lines of id, path and revision;
of a removed file the id alone.
"""
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

servers, topic, source = sys.argv[1:4]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False})
partitions = consumer.list_topics(topic).topics[topic].partitions
consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
files = {}
while True:
    record = consumer.poll(1)
    if record is None or record.error():
        continue
    key, value = record.key().decode(), record.value()
    if value is None:  # the file is removed
        if files.pop(key, None):
            print(json.dumps({"id": key}), flush=True)
        continue
    event = json.loads(value)
    if event["source_id"] == source:
        files[key] = event
        print(json.dumps({"id": key, "path": event["path"], "revision": event["revision"]}), flush=True)
