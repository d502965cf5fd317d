"""Reads the events topic to its end and prints the live files of a source: events.py SERVERS TOPIC SOURCE.

It keeps the whole fold, which a reader of the topic of last states does not need.
"""
import json
import sys

from confluent_kafka import Consumer, TopicPartition

servers, topic, source = sys.argv[1:4]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False})
partitions = consumer.list_topics(topic).topics[topic].partitions
marks = {p: consumer.get_watermark_offsets(TopicPartition(topic, p)) for p in partitions}
consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in marks.items()])
left = sum(high - low for low, high in marks.values())
jobs, seen, waits, files = [], set(), set(), {}
run, run_id, version, removing = 0, None, 0, False
while left > 0:
    record = consumer.poll(1)
    if record is None or record.error():
        continue
    left -= 1
    headers = {k: v.decode() for k, v in record.headers() or []}
    if headers["ce_source"] != "/sources/" + source:
        continue
    e = json.loads(record.value())
    change, job = e["change"], e.get("job_id")
    if headers["ce_type"] == "confuse.FileChanged.v1":
        if e["run_id"] == run_id and (e["run"], e["seq"]) > files.get(e["file_id"], ((0, 0), None))[0]:
            files[e["file_id"]] = ((e["run"], e["seq"]), e)
    elif e.get("version"):
        if e["version"] == version + 1 and not removing:
            version += 1
            waits |= {change} & {"paused", "credential_expired"}
            waits -= {{"resumed": "paused", "credential_attached": "credential_expired"}.get(change)}
    elif change in ("sync_requested", "deletes_released", "removal_requested"):
        if change == "removal_requested" and job not in seen:
            jobs, run_id, waits, removing = [], None, set(), True
        jobs += [] if job in seen else [job]
        seen.add(job)
    elif change == "sync_started":  # a claim: of a higher run, for the oldest open job, on a source that waits for nothing
        if jobs[:1] == [job] and e["run"] > run and not waits:
            run, run_id = e["run"], e["run_id"]
    elif change in ("sync_completed", "sync_failed", "removed") and e["run_id"] == run_id:
        run_id, jobs = None, jobs if e.get("retry_at") else jobs[1:]
    elif change == "sync_cancelled" and job in jobs and not removing:
        run_id = None if jobs[0] == job else run_id
        jobs.remove(job)
for _, e in sorted(files.values(), key=lambda f: f[1]["path"]):
    if e["change"] != "removed":
        print(json.dumps({"path": e["path"], "revision": e["revision"]}, separators=(",", ":")))
