// A load generator on Node's ws, to check the figures of molva bench by: it shares no line with it. It prints what
// molva bench echo --json prints, as far as that is compared.
//
//	node ws-load.mjs ws://127.0.0.1:9001/ --conns 50 --inflight 4 --size 128 --rate 4000 --warmup 1 --duration 5
//
// Without a rate a message that comes back is followed by the next. With one, messages leave when they are due, to a
// millisecond, on the connections in turn. Latency runs from the sending.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const { WebSocket } = createRequire(new URL('../peers/node-ws/', import.meta.url))('ws')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    Object.entries({ conns: '50', inflight: '1', size: '128', rate: '0', warmup: '1', duration: '5', pid: '' }).map(
      ([name, value]) => [name, { type: 'string', default: value }],
    ),
  ),
})
const [conns, inflight, size, rate, warmup, duration] = ['conns', 'inflight', 'size', 'rate', 'warmup', 'duration'].map(
  (name) => Number(values[name]),
)

const now = () => performance.now() // milliseconds
const message = Buffer.alloc(size, 0x5a)
const latencies = []
let going = true
let measuring = false

// open opens one connection, whose messages come back in the order in which they were sent.
function open() {
  return new Promise((opened, failed) => {
    const ws = new WebSocket(positionals[0], { perMessageDeflate: false })
    const c = { ws, sent: [], head: 0 }
    ws.on('open', () => opened(c))
    ws.on('error', failed)
    ws.on('message', (data, isBinary) => {
      if (!isBinary || !message.equals(data)) throw new Error('a message came back wrong')
      const at = now()
      if (measuring) latencies.push(at - c.sent[c.head])
      if (++c.head === 1024) c.sent.splice(0, c.head), (c.head = 0)
      if (going && rate === 0) send(c, at)
    })
  })
}

function send(c, at) {
  c.sent.push(at)
  c.ws.send(message)
}

// pace sends what is due, for as long as the run goes.
function pace(all) {
  const began = now()
  let count = 0
  const timer = setInterval(() => {
    for (; began + (count * 1000) / rate <= now(); count++) send(all[count % all.length], now())
    if (!going) clearInterval(timer)
  }, 1)
}

// cpuSeconds is what the server has used so far: fields 14 and 15 of proc_pid_stat(5), in hundredths.
function cpuSeconds() {
  if (values.pid === '') return 0
  const fields = readFileSync(`/proc/${values.pid}/stat`, 'latin1').split(') ').pop().split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000))

const all = await Promise.all(Array.from({ length: conns }, open))
if (rate > 0) pace(all)
else for (const c of all) for (let i = 0; i < inflight; i++) send(c, now())
await sleep(warmup)
measuring = true
const began = now()
const cpuBefore = cpuSeconds()
await sleep(duration)
measuring = going = false
const seconds = (now() - began) / 1000
const cpu = cpuSeconds() - cpuBefore

latencies.sort((a, b) => a - b)
const micros = (p) => 1000 * latencies[Math.max(0, Math.ceil(p * latencies.length) - 1)]
console.log(
  JSON.stringify({
    messages: latencies.length,
    seconds,
    messages_per_second: latencies.length / seconds,
    mean_us: (1000 * latencies.reduce((a, b) => a + b, 0)) / latencies.length,
    p50_us: micros(0.5),
    p90_us: micros(0.9),
    p99_us: micros(0.99),
    server_cpu_seconds: cpu,
  }),
)
process.exit(0)
