// Prints the live files of a source as JSON lines: node consumer.js SERVERS TOPIC SOURCE.
import { decompress } from 'fzstd'
import kafkajs from 'kafkajs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (b) => Buffer.from(decompress(b)) }) // kafkajs reads gzip alone
const [servers, topic, source] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'consumer', brokers: servers.split(','), logLevel: logLevel.ERROR })
const admin = kafka.admin()
await admin.connect()
let left = (await admin.fetchTopicOffsets(topic)).reduce((n, p) => n + Number(p.high) - Number(p.low), 0)
const groupId = `consumer-${process.pid}-${Date.now()}`
const consumer = kafka.consumer({ groupId })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
let [run, runId, ended] = [0, null, true]
const files = new Map()
await new Promise((done) => consumer.run({
  eachMessage: async ({ message: { headers, value } }) => {
    if (String(headers.ce_source) === `/sources/${source}`) {
      const e = JSON.parse(value)
      if (String(headers.ce_type) === 'confuse.SourceChanged.v1') {
        if (e.change === 'sync_started' && e.run > run) [run, runId, ended] = [e.run, e.run_id, false] // the first claim of a number wins
        else if ((/^sync_(completed|failed)$/.test(e.change) && e.run_id === runId) || e.change === 'sync_cancelled') ended = true
      } else if (!ended && e.run_id === runId) {
        const old = files.get(e.file_id)
        if (!old || e.run > old.run || (e.run === old.run && e.seq > old.seq)) files.set(e.file_id, e)
      }
    }
    if (--left === 0) done()
  },
}))
await consumer.disconnect()
await admin.deleteGroups([groupId])
await admin.disconnect()
const live = [...files.values()].filter((e) => e.change !== 'removed').sort((a, b) => (a.path < b.path ? -1 : 1))
for (const e of live) console.log(JSON.stringify({ path: e.path, revision: e.revision }))
