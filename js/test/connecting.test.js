import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { connect } from "../molva.js";
import { Page } from "./page.js";
import { replace } from "./replace.js";
import { client, Clock, heard, pair, quiet, Server } from "./setup.js";

test("the first message of the server opens it", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const states = heard(molva, "state");
  const opened = heard(molva, "open");
  assert.equal(molva.state, "connecting");
  assert.equal(molva.hello, undefined);
  const peer = await server.accept();
  await quiet();
  assert.equal(molva.state, "connecting");
  peer.hello({ conn: "c7" });
  assert.equal((await opened.take()).conn, "c7");
  assert.equal(molva.hello.user, "42");
  assert.equal(molva.state, "open");
  assert.deepEqual(states.takeAll(), [{ state: "open" }]);
});

test("it offers the subprotocol and keeps the query", async (t) => {
  const server = await Server.start(t);
  client(t, { url: `http://127.0.0.1:${server.port}/ws?user=42#top` });
  const peer = await server.accept();
  assert.equal(peer.socket.protocol, "molva.v1");
  assert.equal(peer.url.href, "http://server/ws?user=42");
});

for (const [page, want] of [
  ["http://molva.test:8000/a/b.html?c#d", "ws://molva.test:8000/ws?user=42"],
  ["https://molva.test/", "wss://molva.test/ws?user=42"],
]) {
  test(`a relative URL is that of the page ${page}`, async (t) => {
    new Page(t, page);
    const asked = [];
    class Recorder {
      constructor(...args) {
        asked.push(args);
      }
      close() {}
    }
    client(t, { url: "/ws?user=42" }, { WebSocket: Recorder });
    await quiet();
    assert.deepEqual(asked, [[want, "molva.v1"]]);
  });
}

test("without a WebSocket, or with a URL that is none, connect says so", (t) => {
  replace(t, "WebSocket", undefined);
  assert.throws(() => connect("ws://127.0.0.1:1/ws"), /no WebSocket here; pass one/);
  assert.throws(() => connect("/ws", { WebSocket }), /Invalid URL/);
});

test("a global WebSocket is used", async (t) => {
  replace(t, "WebSocket", WebSocket);
  const server = await Server.start(t);
  const molva = connect(server.url);
  t.after(() => molva.close());
  await server.accept();
});

test("a connection without hello is given up", async (t) => {
  const clock = new Clock(t);
  const server = await Server.start(t);
  const molva = client(t, server, { backoff: () => 1000 });
  const closed = heard(molva, "close");
  const silent = await server.accept();
  await clock.pass(10_000);
  assert.deepEqual(await closed.take(), { code: 1006, reason: "no hello in time", retry: true });
  await silent.closed();
  await clock.pass(1000);
  await server.greet();
  await heard(molva, "open").take();
});

for (const said of ["hello?", "null", "7", "[]", '{"type":', "{}"]) {
  test(`${said} is not the protocol`, async (t) => {
    const server = await Server.start(t);
    const molva = client(t, server, { backoff: () => 60_000 });
    const closed = heard(molva, "close");
    (await server.accept()).socket.send(said);
    assert.deepEqual(await closed.take(), { code: 1006, reason: "not the server's protocol", retry: true });
  });
}

test("what a later version may say is ignored", async (t) => {
  const { molva, peer } = await pair(t);
  const messages = heard(molva, "message");
  peer.say({ type: "weather", data: "fine" });
  peer.say({ type: "ok", ack: 99 });
  peer.say({ type: "presence", room: "elsewhere", event: "joined", user: "7" });
  peer.say({ type: "message", id: "1", all: true, data: 1, time: 2, position: 3 });
  assert.deepEqual(await messages.take(), { id: "1", all: true, data: 1, time: 2, position: 3 });
  assert.equal(molva.state, "open");
});

test("close ends it for good", async (t) => {
  const { server, molva, peer } = await pair(t, { backoff: () => 0 });
  const states = heard(molva, "state");
  const closed = heard(molva, "close");
  molva.close();
  assert.equal(molva.state, "closed");
  molva.close();
  assert.deepEqual(closed.takeAll(), [{ code: 1000, reason: "", retry: false }]);
  assert.deepEqual(states.takeAll(), [{ state: "closed", delay: undefined }]);
  assert.equal(await peer.closed(), 1000);
  await quiet();
  assert.equal(server.attempts, 1);
});

test("close during the handshake leaves no connection", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  await Promise.resolve(); // the handshake has begun
  await Promise.resolve();
  molva.close();
  assert.equal(molva.state, "closed");
  await quiet();
  assert.equal(molva.state, "closed");
});

test("close before hello makes nothing of hello", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const opened = heard(molva, "open");
  const peer = await server.accept();
  molva.close();
  peer.hello();
  await peer.closed();
  await quiet();
  assert.equal(molva.state, "closed");
  assert.deepEqual(opened.takeAll(), []);
});

test("reconnect opens again what was closed", async (t) => {
  const { server, molva } = await pair(t);
  molva.close();
  molva.reconnect();
  assert.equal(molva.state, "connecting");
  molva.reconnect(); // is under way
  await server.greet();
  await heard(molva, "open").take();
  molva.reconnect(); // is there
  await quiet();
  assert.equal(server.attempts, 2);
});
