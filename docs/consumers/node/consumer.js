// Follows the files of a source on the topic of last states: node consumer.js SERVERS TOPIC SOURCE.
// Prints each file as it is, then each change, as JSON lines of id, path and revision;
// of a removed file the id alone.
import { decompress } from 'fzstd'
import kafkajs from 'kafkajs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ decompress: async (b) => Buffer.from(decompress(b)) }) // kafkajs reads gzip alone
const [servers, topic, source] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'consumer', brokers: servers.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `consumer-${process.pid}-${Date.now()}` })
await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
const files = new Map()
await consumer.run({
  eachMessage: async ({ message: { key, value } }) => {
    const id = String(key)
    if (value === null) { // the file is removed
      if (files.delete(id)) console.log(JSON.stringify({ id }))
      return
    }
    const event = JSON.parse(value)
    if (event.source_id !== source) return
    files.set(id, event)
    console.log(JSON.stringify({ id, path: event.path, revision: event.revision }))
  },
})
