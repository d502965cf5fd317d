"""Prints the live files of a source as JSON lines: consumer.py SERVERS TOPIC SOURCE."""
import json
import sys

from confluent_kafka import Consumer, TopicPartition

servers, topic, source = sys.argv[1:4]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False, "isolation.level": "read_committed"})
partitions = consumer.list_topics(topic).topics[topic].partitions
ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in partitions}
starts = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[0] for p in partitions}
consumer.assign([TopicPartition(topic, p, starts[p]) for p in partitions])
left = sum(ends[p] - starts[p] for p in partitions)
run, run_id, ended, files = 0, None, True, {}
while left > 0:
    record = consumer.poll(1)
    if record is None or record.error():
        continue
    left -= 1
    headers = {k: v.decode() for k, v in record.headers() or []}
    if headers["ce_source"] != "/sources/" + source:
        continue
    e = json.loads(record.value())
    if headers["ce_type"] == "confuse.SourceChanged.v1":
        if e["change"] == "sync_started" and e["run"] > run:  # the first claim of a number wins
            run, run_id, ended = e["run"], e["run_id"], False
        elif e["change"] in ("sync_completed", "sync_failed") and e["run_id"] == run_id or e["change"] == "sync_cancelled":
            ended = True
    elif headers["ce_type"] == "confuse.FileChanged.v1" and not ended and e["run_id"] == run_id:
        if (e["run"], e["seq"]) > files.get(e["file_id"], ((0, 0), None))[0]:
            files[e["file_id"]] = ((e["run"], e["seq"]), e)
for _, e in sorted(files.values(), key=lambda f: f[1]["path"]):
    if e["change"] != "removed":
        print(json.dumps({"path": e["path"], "revision": e["revision"]}, separators=(",", ":")))
