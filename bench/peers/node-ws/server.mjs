// An echo and a broadcast on Node's ws: node server.mjs -addr 127.0.0.1:9001 [-broadcast] [-compress]
//
// Set up as its README advises for speed: perMessageDeflate off unless asked for ("WebSocket compression"), bufferutil
// where it installs ("Opt-in for performance"; ws loads it by itself; validation of UTF-8 is Node's own since 18.14),
// and no client tracking for an echo (doc/ws.md, clientTracking). The broadcast is its README's ("Server broadcast").

import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

// Flags of one dash, as those of the other peers.
const args = process.argv.slice(2).map((arg) => arg.replace(/^-(?=[a-z])/, "--"));
const { values } = parseArgs({
  args,
  options: {
    addr: { type: "string", default: "127.0.0.1:9001" },
    broadcast: { type: "boolean", default: false },
    compress: { type: "boolean", default: false },
  },
});
const [host, port] = values.addr.split(":");

const deflate = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 0,
  zlibDeflateOptions: { level: 1 },
};

const server = new WebSocketServer({
  host,
  port: Number(port),
  backlog: 4096,
  clientTracking: values.broadcast,
  maxPayload: 64 << 20,
  perMessageDeflate: values.compress ? deflate : false,
});

server.on("connection", (ws) => {
  ws.on("error", () => {}); // what a client does wrong must not end the process
  ws.on("message", (data, isBinary) => {
    if (!values.broadcast) {
      ws.send(data, { binary: isBinary });
      return;
    }
    for (const client of server.clients) {
      client.send(data, { binary: isBinary });
    }
  });
});
