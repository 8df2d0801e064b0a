import assert from "node:assert/strict";
import { test } from "node:test";
import { client, Clock, heard, noLuck, pair, quiet, Server } from "./setup.js";

const minute = 60_000;

test("a token goes into the query", async (t) => {
  const server = await Server.start(t);
  client(t, { url: server.url + "?user=42&token=old" }, { token: "a b&c" });
  const { url } = await server.accept();
  assert.equal(url.search, "?user=42&token=a+b%26c");
  assert.equal(url.searchParams.get("token"), "a b&c");
});

for (const nothing of [undefined, null, ""]) {
  test(`the token ${nothing === "" ? '""' : nothing} is none`, async (t) => {
    const server = await Server.start(t);
    client(t, server, { token: () => nothing });
    assert.equal((await server.accept()).url.search, "");
  });
}

test("each connection has a token of its own", async (t) => {
  let count = 0;
  const server = await Server.start(t);
  const molva = client(t, server, { token: async () => `t${++count}`, backoff: () => 0 });
  for (const want of ["t1", "t2", "t3"]) {
    const peer = await server.greet();
    assert.equal(peer.url.searchParams.get("token"), want);
    peer.close(1001);
  }
  molva.close();
});

test("an expired token is replaced, but not in a hurry for ever", async (t) => {
  const clock = new Clock(t);
  noLuck(t);
  let count = 0;
  const server = await Server.start(t);
  const molva = client(t, server, { token: () => `t${++count}` });
  const states = heard(molva, "state");
  for (const longest of [500, 1000, 2000]) {
    (await server.accept()).close(4401);
    const { state, delay } = await states.take();
    assert.equal(state, "waiting");
    assert.equal(Math.round(delay), longest);
    await clock.pass(delay);
    assert.equal((await states.take()).state, "connecting");
  }
  assert.equal((await server.accept()).url.searchParams.get("token"), "t4");
});

for (const [code, reason, told] of [
  [4401, "the token has expired", "the token has expired"],
  [4403, "", "the server does not let us in"],
]) {
  test(`who is refused with ${code} and has no other token stays away, and knows why`, async (t) => {
    const clock = new Clock(t);
    const server = await Server.start(t);
    const molva = client(t, server, { token: "old", backoff: () => 0 });
    const closed = heard(molva, "close");
    const denied = { code: "denied", message: told };
    const waiting = [molva.join("r"), molva.publish("r", 1)].map((promise) => assert.rejects(promise, denied));
    (await server.accept()).close(code, reason);
    await Promise.all(waiting);
    assert.deepEqual(await closed.take(), { code, reason, retry: false });
    assert.equal(molva.state, "closed");
    await clock.pass(60_000);
    assert.equal(server.attempts, 1);
  });
}

test("without a token there is no connection, but another attempt", async (t) => {
  const clock = new Clock(t);
  const reason = new Error("not logged in");
  let broken = true;
  const server = await Server.start(t);
  const molva = client(t, server, {
    token: async () => {
      if (broken) throw reason;
      return "t";
    },
    backoff: () => 1000,
  });
  const error = await heard(molva, "error").take();
  assert.equal(error.code, "connect");
  assert.equal(error.cause, reason);
  assert.equal(molva.state, "waiting");
  broken = false;
  await clock.pass(1000);
  assert.equal((await server.accept()).url.searchParams.get("token"), "t");
});

test("a token function may give up", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server, {
    token: () => {
      molva.close();
      throw new Error("logged out");
    },
  });
  molva.close();
  molva.reconnect(); // calls it at once
  await quiet();
  assert.equal(molva.state, "closed");
  assert.equal(server.attempts, 0);
});

test("a token that comes too late is not used", async (t) => {
  const clock = new Clock(t);
  const late = [];
  const server = await Server.start(t);
  const molva = client(t, server, { token: () => new Promise((resolve) => late.push(resolve)), backoff: () => 0 });
  await clock.pass(10_500);
  assert.equal(late.length, 2);
  late[0]("old");
  await quiet();
  assert.equal(server.attempts, 0);
  late[1]("new");
  assert.equal((await server.accept()).url.searchParams.get("token"), "new");
  molva.close();
});

/** A client whose token expires in an hour by the clock of the server, which is a day ahead. */
async function expiring(t, token) {
  const clock = new Clock(t);
  t.mock.method(Math, "random", () => 0.5);
  const ahead = 24 * 60 * minute;
  const now = () => Date.now() + ahead;
  const { molva, peer } = await pair(t, { token, heartbeat: 2 ** 30, hello: { time: now(), expires: now() + 60 * minute } });
  return { clock, molva, peer, now };
}

test("a token is renewed before it expires", async (t) => {
  let count = 0;
  const { clock, molva, peer, now } = await expiring(t, async () => `t${++count}`);
  await clock.pass(47 * minute);
  assert.deepEqual(peer.unread(), []);
  await clock.pass(2 * minute);
  const renew = await peer.next();
  assert.deepEqual(renew, { type: "renew", token: "t2", ack: 1 });
  peer.ok(renew, { expires: now() + 10 * minute });
  await clock.pass(7 * minute);
  assert.deepEqual(peer.unread(), []);
  await clock.pass(2 * minute);
  const again = await peer.next();
  assert.equal(again.token, "t3");
  peer.ok(again); // for ever
  await clock.pass(60 * minute);
  assert.deepEqual(peer.unread(), []);
  assert.equal(molva.state, "open");
});

test("a renewal that fails is told and tried again", async (t) => {
  const reason = new Error("no network");
  let broken = false;
  const token = async () => {
    if (broken) throw reason;
    return "t";
  };
  const { clock, molva, peer } = await expiring(t, token);
  const errors = heard(molva, "error");
  broken = true;
  await clock.pass(49 * minute);
  const error = await errors.take();
  assert.equal(error.code, "token");
  assert.equal(error.cause, reason);
  broken = false;
  await clock.pass(10 * minute);
  peer.fail(await peer.next(), "forbidden");
  assert.equal((await errors.take()).code, "forbidden");
  await clock.pass(2 * minute);
  peer.ok(await peer.next());
  assert.deepEqual(errors.takeAll(), []);
});

test("an expired token is renewed no more", async (t) => {
  let count = 0;
  const { clock, peer } = await expiring(t, () => `t${++count}`);
  await clock.pass(49 * minute);
  while (count < 20) {
    const [renew] = peer.unread();
    if (!renew) break;
    peer.fail(renew, "unsupported");
    await clock.pass(15 * minute);
  }
  assert.ok(count > 2 && count < 8, `${count} tokens`);
});

test("a text as a token is not renewed", async (t) => {
  const { clock, peer } = await expiring(t, "t");
  await clock.pass(59 * minute);
  assert.deepEqual(peer.unread(), []);
});

test("a token for a connection that has ended is not sent on the next one", async (t) => {
  const clock = new Clock(t);
  let answer;
  let asked = 0;
  const token = () => (++asked === 2 ? new Promise((resolve) => (answer = resolve)) : "t");
  const { server, molva, peer } = await pair(t, {
    token,
    heartbeat: 2 ** 30,
    backoff: () => 0,
    hello: { expires: Date.now() + minute },
  });
  await clock.pass(minute);
  assert.equal(asked, 2);
  peer.close(1001);
  await heard(molva, "close").take();
  await clock.pass(250);
  const next = await server.greet();
  await heard(molva, "open").take();
  answer("late");
  await quiet();
  assert.deepEqual(next.unread(), []);
});
