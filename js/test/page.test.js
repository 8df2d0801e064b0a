import assert from "node:assert/strict";
import { test } from "node:test";
import { client, Clock, heard, noLuck, pair, quiet, Server } from "./setup.js";
import { Page } from "./page.js";

test("without a network no attempt is made, with one at once", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const { server, molva, peer } = await pair(t);
  const states = heard(molva, "state");
  page.goOffline();
  peer.socket.terminate();
  assert.deepEqual(await states.take(), { state: "waiting", delay: undefined });
  await clock.pass(600_000);
  page.show(); // changes nothing
  assert.equal(molva.state, "waiting");
  assert.equal(server.attempts, 1);
  page.goOnline();
  assert.equal(molva.state, "connecting");
  await server.greet();
  await heard(molva, "open").take();
});

test("an attempt that was planned is not made when the network goes", async (t) => {
  const clock = new Clock(t);
  noLuck(t);
  const page = new Page(t);
  const server = await Server.start(t);
  server.refuse = 503;
  const molva = client(t, server);
  await heard(molva, "close").take();
  const states = heard(molva, "state");
  page.goOffline();
  assert.deepEqual(states.takeAll(), [{ state: "waiting" }]);
  await clock.pass(60_000);
  assert.equal(server.attempts, 1);
});

test("an attempt that fails when the network goes is not followed by another", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const server = await Server.start(t);
  const molva = client(t, server);
  const peer = await server.accept();
  page.goOffline();
  assert.equal(molva.state, "connecting");
  peer.socket.terminate();
  await heard(molva, "close").take();
  await clock.pass(60_000);
  assert.equal(server.attempts, 1);
});

test("a connection is asked when the network seems to go", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const { molva, peer } = await pair(t);
  page.goOffline();
  peer.ok(await peer.next()); // it is another network
  await clock.pass(30_000);
  assert.equal(molva.state, "open");
});

test("the user may know better", async (t) => {
  const page = new Page(t);
  const { server, molva, peer } = await pair(t);
  page.goOffline();
  peer.socket.terminate();
  await heard(molva, "close").take();
  molva.reconnect();
  await server.accept();
});

test("a page that is seen does not wait", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  noLuck(t);
  const { server, molva, peer } = await pair(t);
  const states = heard(molva, "state");
  page.hide();
  peer.close(1001);
  const { delay } = await states.take();
  assert.equal(Math.round(delay), 30_000); // nobody looks at it
  await clock.pass(20_000);
  page.show();
  assert.equal(molva.state, "connecting");
  await server.accept();
});

test("a hidden page comes back, too", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const { server, peer } = await pair(t);
  page.hide();
  peer.close(1001);
  await quiet();
  await clock.pass(30_000);
  await server.accept();
});

test("a page that is kept for the way back has no connection meanwhile", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 0 });
  const joined = molva.join("lobby");
  await peer.admit();
  await joined;
  const closed = heard(molva, "close");
  page.leave(true);
  assert.deepEqual(closed.takeAll(), [{ code: 1006, reason: "the page was left", retry: true }]);
  assert.equal(await peer.closed(), 1000);
  clock.sleep(600_000);
  await quiet();
  assert.equal(server.attempts, 1);
  page.comeBack();
  assert.equal((await (await server.greet()).admit()).room, "lobby");
});

for (const moment of ["connecting", "waiting"]) {
  test(`neither is one made when it was ${moment}`, async (t) => {
    const clock = new Clock(t);
    const page = new Page(t);
    const server = await Server.start(t);
    const molva = client(t, server, { backoff: () => 1000 });
    const peer = await server.accept();
    if (moment === "waiting") {
      peer.socket.terminate();
      await heard(molva, "close").take();
    }
    page.leave(true);
    assert.equal(molva.state, "waiting");
    clock.sleep(600_000);
    await quiet();
    assert.equal(server.attempts, 1);
    page.comeBack();
    await server.accept();
  });
}

test("a page that ends is left to the browser", async (t) => {
  const page = new Page(t);
  const { molva } = await pair(t);
  page.leave(false);
  assert.equal(molva.state, "open");
});

test("a closed client does not care", async (t) => {
  const page = new Page(t);
  const { server, molva } = await pair(t);
  const states = heard(molva, "state");
  molva.close();
  states.takeAll();
  page.goOffline();
  page.goOnline();
  page.hide();
  page.show();
  page.leave(true);
  page.comeBack();
  await quiet();
  assert.deepEqual(states.takeAll(), []);
  assert.equal(server.attempts, 1);
  molva.reconnect(); // and cares again
  (await server.greet()).socket.terminate();
  page.goOffline();
  await quiet();
  page.goOnline();
  await server.accept();
});
