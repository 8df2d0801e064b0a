// A load generator on k6, to check the figures of molva bench by: each of its virtual users has a connection, and sends
// a message when it is due. It prints how many came back in a second, of the time that is measured.
//
//	k6 run --quiet -e URL=ws://127.0.0.1:9001/ -e CONNS=50 -e SIZE=128 -e RATE=1000 -e WARMUP=1 -e DURATION=5 k6-load.js
import { WebSocket } from 'k6/websockets'
import { Counter } from 'k6/metrics'
import exec from 'k6/execution'

const [conns, size, rate, warmup, duration] = [__ENV.CONNS, __ENV.SIZE, __ENV.RATE, __ENV.WARMUP, __ENV.DURATION].map(Number)

const messages = new Counter('messages')
const wrong = new Counter('wrong')

export const options = {
  scenarios: {
    echo: { executor: 'per-vu-iterations', vus: conns, iterations: 1, maxDuration: `${warmup + duration + 60}s` },
  },
  thresholds: { wrong: ['count==0'] },
}

export default function () {
  const every = (1000 * conns) / rate // milliseconds between two messages of a connection
  const message = new Uint8Array(size).fill(0x5a).buffer
  const ws = new WebSocket(__ENV.URL)
  ws.binaryType = 'arraybuffer'
  let measuring = false
  let count = 0
  ws.onmessage = ({ data }) => {
    if (data.byteLength !== size) wrong.add(1)
    if (measuring) count++
  }
  ws.onerror = ({ error }) => {
    throw new Error(error)
  }
  ws.onopen = () => {
    let timer
    // The connections take turns.
    setTimeout(() => (timer = setInterval(() => ws.send(message), every)), (every * exec.vu.idInTest) / conns)
    setTimeout(() => (measuring = true), 1000 * warmup)
    setTimeout(
      () => {
        measuring = false
        clearInterval(timer)
        messages.add(count)
        ws.close()
      },
      1000 * (warmup + duration),
    )
  }
}

export function handleSummary({ metrics }) {
  const n = metrics.messages.values.count
  return { stdout: JSON.stringify({ messages: n, seconds: duration, messages_per_second: n / duration }) + '\n' }
}
