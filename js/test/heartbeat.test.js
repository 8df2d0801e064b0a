import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock, heard, pair, quiet } from "./setup.js";
import { Page } from "./page.js";

test("silence is asked about", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t);
  for (const wait of [25_000, 35_000, 35_000]) {
    await clock.pass(wait - 1);
    assert.deepEqual(peer.unread(), []);
    await clock.pass(1);
    const ping = await peer.next();
    assert.equal(ping.type, "ping");
    peer.ok(ping, { time: Date.now() });
  }
  assert.equal(molva.state, "open");
});

test("who does not answer is given up", async (t) => {
  const clock = new Clock(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 1000 });
  const closed = heard(molva, "close");
  await clock.pass(25_000);
  assert.equal((await peer.next()).type, "ping");
  await clock.pass(9999);
  assert.equal(molva.state, "open");
  await clock.pass(1);
  assert.deepEqual(await closed.take(), { code: 1006, reason: "no answer", retry: true });
  await clock.pass(1000);
  await server.greet();
  await heard(molva, "open").take();
});

test("any message is a sign of life", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t);
  for (let n = 0; n < 10; n++) {
    await clock.pass(20_000);
    peer.say({ type: "message", id: `${n}`, all: true, data: n, time: n });
    await quiet();
  }
  assert.deepEqual(peer.unread(), []);
  await clock.pass(50_000);
  assert.equal((await peer.next()).type, "ping");
  peer.say({ type: "message", id: "11", all: true, data: 11, time: 11 }); // as good as an answer
  await clock.pass(10_000);
  assert.equal(molva.state, "open");
});

test("a hidden page keeps quiet and asks when it is seen", async (t) => {
  const clock = new Clock(t);
  const page = new Page(t);
  const { molva, peer } = await pair(t);
  page.hide();
  await clock.pass(10 * 60_000);
  assert.deepEqual(peer.unread(), []);
  page.show();
  peer.ok(await peer.next());
  await clock.pass(10_000);
  assert.equal(molva.state, "open");
});

for (const [what, turn] of [
  ["seen again", (page) => page.show()],
  ["resumed", (page) => page.resume()],
  ["online again", (page) => page.goOnline()],
]) {
  test(`a connection that died unnoticed is replaced once the page is ${what}`, async (t) => {
    const clock = new Clock(t);
    const page = new Page(t);
    const { server, molva, peer } = await pair(t, { backoff: () => 0 });
    page.hide();
    await clock.pass(60_000);
    turn(page);
    assert.equal((await peer.next()).type, "ping");
    await clock.pass(10_000);
    await clock.pass(1);
    assert.equal(molva.state, "connecting");
    await server.accept();
  });
}

test("a sleep is no silence", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t);
  await clock.pass(25_000);
  const ping = await peer.next();
  peer.ok(ping); // arrives while we sleep
  clock.sleep(3_600_000); // the timer comes first
  assert.equal(molva.state, "open");
  await quiet();
  await clock.pass(10_000);
  assert.equal(molva.state, "open");
});

test("after a sleep it asks at once", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t, { backoff: () => 0 });
  clock.sleep(3_600_000);
  assert.equal((await peer.next()).type, "ping");
  await clock.pass(10_000);
  assert.equal(molva.state, "waiting");
});
