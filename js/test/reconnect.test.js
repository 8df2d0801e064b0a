import assert from "node:assert/strict";
import { test } from "node:test";
import { client, Clock, heard, noLuck, pair, quiet, Server } from "./setup.js";

const isAbout = (actual, expected) => assert.ok(Math.abs(actual - expected) <= 1, `${actual} is not about ${expected}`);

/** The delays that the client announces while nobody answers. */
async function delays(states, clock, count) {
  const found = [];
  while (found.length < count) {
    const { state, delay } = await states.take();
    if (state !== "waiting") continue;
    found.push(Math.round(delay));
    await clock.pass(delay);
  }
  return found;
}

test("the waits double up to half a minute, and any of them may be short", async (t) => {
  const clock = new Clock(t);
  noLuck(t);
  const server = await Server.start(t);
  server.refuse = 503;
  const molva = client(t, server);
  const states = heard(molva, "state");
  const longest = [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000];
  assert.deepEqual(await delays(states, clock, longest.length), longest);
  t.mock.method(Math, "random", () => 0.1);
  assert.deepEqual(await delays(states, clock, 2), [30000, 3000]);
  t.mock.method(Math, "random", () => 0);
  assert.deepEqual(await delays(states, clock, 2), [3000, 0]);
});

test("a connection that held ends the row of failures, one that did not hold does not", async (t) => {
  const clock = new Clock(t);
  noLuck(t);
  const server = await Server.start(t);
  const molva = client(t, server);
  const states = heard(molva, "state");
  const lose = async (after) => {
    const peer = await server.greet();
    while ((await states.take()).state !== "open");
    await clock.pass(after);
    peer.close(1001, "restart");
    const { delay } = await states.take();
    await clock.pass(delay);
    return delay;
  };
  isAbout(await lose(0), 500);
  isAbout(await lose(0), 1000);
  isAbout(await lose(4000), 2000);
  isAbout(await lose(6000), 500);
  isAbout(await lose(0), 1000);
});

const comesBack = [
  [1001, 500],
  [1002, 8000],
  [1003, 8000],
  [1007, 8000],
  [1008, 8000],
  [1009, 8000],
  [1011, 8000],
  [1012, 500],
  [1013, 8000],
  [3000, 500],
  [3999, 500],
  [4400, 8000],
  [4499, 500],
];
for (const [code, longest] of comesBack) {
  test(`after ${code} it comes back within ${longest} ms`, async (t) => {
    const clock = new Clock(t);
    noLuck(t);
    const { server, molva, peer } = await pair(t);
    const states = heard(molva, "state");
    const closed = heard(molva, "close");
    peer.close(code, "so it is");
    const { state, delay } = await states.take();
    assert.equal(state, "waiting");
    isAbout(delay, longest);
    assert.deepEqual(await closed.take(), { code, reason: "so it is", retry: true });
    await clock.pass(longest + 1);
    await server.accept();
  });
}

for (const code of [1000, 4401, 4403, 4500, 4999]) {
  test(`after ${code} it stays away until told otherwise`, async (t) => {
    const clock = new Clock(t);
    const { server, molva, peer } = await pair(t);
    const closed = heard(molva, "close");
    peer.close(code, "enough");
    assert.deepEqual(await closed.take(), { code, reason: "enough", retry: false });
    assert.equal(molva.state, "closed");
    await clock.pass(60_000);
    assert.equal(server.attempts, 1);
    molva.reconnect();
    await server.greet();
    await heard(molva, "open").take();
  });
}

test("a network that breaks is a failure like others", async (t) => {
  const clock = new Clock(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 1000 });
  const closed = heard(molva, "close");
  peer.socket.terminate();
  assert.deepEqual(await closed.take(), { code: 1006, reason: "", retry: true });
  await clock.pass(1000);
  await server.accept();
});

test("it finds a server that was restarted", async (t) => {
  const clock = new Clock(t);
  const { server, molva } = await pair(t);
  const opened = heard(molva, "open");
  await server.stop();
  await clock.pass(60_000);
  assert.equal(molva.state, "waiting");
  await server.listen();
  const greeted = server.greet();
  await clock.pass(30_000);
  await greeted;
  await opened.take();
});

test("reconnect does not wait", async (t) => {
  const clock = new Clock(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 60_000 });
  peer.socket.terminate();
  await heard(molva, "close").take();
  molva.reconnect();
  await server.greet();
  await heard(molva, "open").take();
  await clock.pass(20_000); // no second attempt by the timer
  assert.equal(server.attempts, 2);
});

test("the waits can be chosen", async (t) => {
  const clock = new Clock(t);
  const asked = [];
  const server = await Server.start(t);
  server.refuse = 500;
  client(t, server, {
    backoff: (failures) => {
      asked.push(failures);
      return 1000;
    },
  });
  while (asked.length < 4) await clock.pass(500);
  assert.deepEqual(asked.slice(0, 4), [0, 1, 2, 3]);
});

test("a listener may reconnect or close, and is told of things in order", async (t) => {
  const { server, molva, peer } = await pair(t, { backoff: () => 60_000 });
  const seen = [];
  molva.on("state", ({ state }) => {
    seen.push(state);
    if (state === "waiting") molva.reconnect();
    if (state === "open") molva.close();
  });
  molva.on("open", () => assert.fail("it is closed"));
  peer.close(1001);
  await server.greet();
  await quiet();
  assert.deepEqual(seen, ["waiting", "connecting", "open", "closed"]);
});
