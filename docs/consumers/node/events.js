// Reads the events topic to its end and prints the live files of a source: node events.js SERVERS TOPIC SOURCE.
// It keeps the whole fold, which a reader of the topic of last states does not need.
import { decompress } from 'fzstd'
import kafkajs from 'kafkajs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (b) => Buffer.from(decompress(b)) }) // kafkajs reads gzip alone
const [servers, topic, source] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'consumer', brokers: servers.split(','), logLevel: logLevel.ERROR })
const [admin, groupId] = [kafka.admin(), `consumer-${process.pid}-${Date.now()}`]
await admin.connect()
let left = (await admin.fetchTopicOffsets(topic)).reduce((n, p) => n + Number(p.high) - Number(p.low), 0)
const consumer = kafka.consumer({ groupId })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
let [jobs, run, runId, version, removing] = [[], 0, null, 0, false]
const [seen, waits, files] = [new Set(), new Set(), new Map()]
function fold({ change, version: is, job_id: job, run: ofRun, run_id: id, retry_at: again }) {
  if (is) {
    if (is !== version + 1 || removing) return
    version = is
    if (/^(paused|credential_expired)$/.test(change)) waits.add(change)
    else waits.delete({ resumed: 'paused', credential_attached: 'credential_expired' }[change])
  } else if (/^(sync_requested|deletes_released|removal_requested)$/.test(change)) {
    if (seen.has(job)) return
    if (change === 'removal_requested') [jobs, runId, removing] = [[], null, !waits.clear()]
    jobs.push(job)
    seen.add(job)
  } else if (change === 'sync_started') { // a claim: of a higher run, for the oldest open job, on a source that waits for nothing
    if (jobs[0] === job && ofRun > run && !waits.size) [run, runId] = [ofRun, id]
  } else if (/^(sync_completed|sync_failed|removed)$/.test(change) && id === runId) [runId, jobs] = [null, again ? jobs : jobs.slice(1)]
  else if (change === 'sync_cancelled' && !removing) [runId, jobs] = [jobs[0] === job ? null : runId, jobs.filter((j) => j !== job)]
}
await new Promise((done) => consumer.run({
  eachMessage: async ({ message: { headers, value } }) => {
    if (String(headers.ce_source) === `/sources/${source}`) {
      const e = JSON.parse(value)
      const old = files.get(e.file_id)
      if (String(headers.ce_type) === 'confuse.SourceChanged.v1') fold(e)
      else if (e.run_id === runId && (!old || e.run > old.run || (e.run === old.run && e.seq > old.seq))) files.set(e.file_id, e)
    }
    if (--left === 0) done()
  },
}))
await consumer.disconnect()
await admin.deleteGroups([groupId])
await admin.disconnect()
const live = [...files.values()].filter((e) => e.change !== 'removed').sort((a, b) => (a.path < b.path ? -1 : 1))
for (const e of live) console.log(JSON.stringify({ path: e.path, revision: e.revision }))
