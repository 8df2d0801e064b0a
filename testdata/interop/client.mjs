// Talks to an echo server through npm's ws: client.mjs URL COMPRESSION

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { compression } from "./compression.mjs";

const [url, kind] = process.argv.slice(2);

const messages = ["hello", "", "Привет, мир", "🌍".repeat(1000), Buffer.alloc(1000, "\0\xff", "latin1"), Buffer.alloc(0),
  "молва ".repeat(1000)];

async function open() {
  const ws = new WebSocket(url, { perMessageDeflate: compression[kind] });
  await once(ws, "open");
  assert.equal(ws.extensions !== "", kind !== "off", `extensions are ${ws.extensions}`);
  return ws;
}

async function receives(ws, message) {
  const [data, isBinary] = await once(ws, "message");
  assert.equal(isBinary, typeof message !== "string");
  assert.ok(data.equals(Buffer.from(message)), `want ${message.slice(0, 40)}, got ${data.subarray(0, 40)}`);
}

async function closes(ws, code, reason) {
  const [gotCode, gotReason] = await once(ws, "close");
  assert.deepEqual([gotCode, gotReason.toString()], [code, reason]);
}

let ws = await open();
for (const message of [...messages, ...messages, ...messages, "x".repeat(1 << 20)]) {
  ws.send(message);
  await receives(ws, message);
}
ws.send("in ", { fin: false });
ws.send("many ", { fin: false });
ws.send("", { fin: false });
ws.send("fragments", { fin: true });
await receives(ws, "in many fragments");
ws.ping("are you there?");
const [pong] = await once(ws, "pong");
assert.equal(pong.toString(), "are you there?");
ws.close(4001, "пока");
await closes(ws, 4001, "пока");

ws = await open();
ws.send("please close");
await closes(ws, 4000, "as you wish");
