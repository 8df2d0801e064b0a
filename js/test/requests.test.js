import assert from "node:assert/strict";
import { test } from "node:test";
import { MolvaError } from "../molva.js";
import { client, Clock, heard, pair, quiet, roundTrip, Server } from "./setup.js";

const rejects = (promise, code) =>
  assert.rejects(promise, (error) => error instanceof MolvaError && error instanceof Error && error.code === code);

test("a publish resolves with what became of it", async (t) => {
  const { molva, peer } = await pair(t);
  const published = molva.publish("lobby", { text: "hi" }, { echo: true });
  const request = await peer.next();
  assert.deepEqual(request, { type: "publish", room: "lobby", data: { text: "hi" }, echo: true, ack: 1 });
  peer.ok(request, { id: "b2-1f", time: 1763950000123, reached: 3 });
  assert.deepEqual(await published, { id: "b2-1f", time: 1763950000123, reached: 3 });
});

test("so does what is sent to a user", async (t) => {
  const { molva, peer } = await pair(t);
  const sent = molva.send("7", "hi");
  const request = await peer.next();
  assert.deepEqual(request, { type: "send", user: "7", data: "hi", ack: 1 });
  peer.ok(request, { id: "b2-1f", time: 1, reached: 0 });
  assert.deepEqual(await sent, { id: "b2-1f", time: 1, reached: 0 });
});

test("who is in a room can be asked", async (t) => {
  const { molva, peer } = await pair(t);
  const users = [{ user: "7", conns: 2 }];
  for (const more of [undefined, true]) {
    const asked = molva.presence("lobby");
    const request = await peer.next();
    assert.equal(request.type, "presence");
    peer.ok(request, { room: "lobby", users, more });
    assert.deepEqual(await asked, { users, more: !!more });
  }
});

for (const data of [null, false, 0, "", "Ёжик 👋🏽", [1, [2]], { a: { b: null } }]) {
  test(`data may be ${JSON.stringify(data)}`, async (t) => {
    const { molva, peer } = await pair(t);
    molva.publish("lobby", data).catch(() => {});
    assert.deepEqual((await peer.next()).data, data);
  });
}

test("no data is null", async (t) => {
  const { molva, peer } = await pair(t);
  molva.publish("lobby").catch(() => {});
  assert.equal((await peer.next()).data, null);
});

test("data is what it was when it was published", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const data = { text: "before" };
  molva.publish("lobby", data).catch(() => {});
  data.text = "after";
  const peer = await server.greet();
  assert.deepEqual((await peer.next()).data, { text: "before" });
});

test("what is no JSON is refused on the spot", async (t) => {
  const { molva, peer } = await pair(t);
  const circle = {};
  circle.circle = circle;
  await assert.rejects(molva.publish("lobby", circle), TypeError);
  await assert.rejects(molva.publish("lobby", 1n), TypeError);
  await roundTrip(molva, peer);
});

test("a refusal rejects", async (t) => {
  const { molva, peer } = await pair(t);
  const published = molva.publish("lobby", 1);
  peer.fail(await peer.next(), "not_joined", "join the room first");
  await assert.rejects(published, { name: "MolvaError", code: "not_joined", message: "join the room first" });
});

test("an error that answers nothing is an event", async (t) => {
  const { molva, peer } = await pair(t);
  const errors = heard(molva, "error");
  peer.say({ type: "error", code: "bad_json", message: "a message must be one JSON object" });
  const error = await errors.take();
  assert.ok(error instanceof MolvaError);
  assert.equal(error.code, "bad_json");
});

test("acks grow on a connection and begin again on the next", async (t) => {
  const clock = new Clock(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 0 });
  for (const want of [1, 2, 3]) {
    const published = molva.publish("lobby", want);
    const request = await peer.next();
    assert.equal(request.ack, want);
    peer.ok(request, {});
    await published;
  }
  peer.close(1001);
  const published = heard(molva, "close").take().then(() => molva.publish("lobby", 4));
  await quiet();
  await clock.pass(1);
  const next = await server.greet();
  const request = await next.next();
  assert.equal(request.ack, 1);
  next.ok(request, {});
  await published;
});

test("answers may come in any order, and twice", async (t) => {
  const { molva, peer } = await pair(t);
  const one = molva.publish("lobby", 1);
  const two = molva.publish("lobby", 2);
  const [first, second] = [await peer.next(), await peer.next()];
  peer.ok(second, { id: "two" });
  peer.ok(second, { id: "again" });
  peer.ok(first, { id: "one" });
  assert.deepEqual([(await one).id, (await two).id], ["one", "two"]);
});

test("without a connection requests wait, in order", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const published = [1, 2, 3].map((n) => molva.publish("lobby", n));
  const peer = await server.accept();
  await quiet();
  assert.deepEqual(peer.unread(), []);
  peer.hello();
  for (const want of [1, 2, 3]) {
    const request = await peer.next();
    assert.equal(request.data, want);
    peer.ok(request, { reached: want });
  }
  assert.deepEqual((await Promise.all(published)).map(({ reached }) => reached), [1, 2, 3]);
});

test("what waited too long was not sent", async (t) => {
  const clock = new Clock(t);
  const server = await Server.start(t);
  const molva = client(t, server);
  const short = molva.publish("lobby", "short", { timeout: 500 });
  const long = molva.publish("lobby", "long");
  const peer = await server.accept();
  const shortRejects = rejects(short, "timeout");
  await clock.pass(500);
  await shortRejects;
  peer.hello();
  const request = await peer.next();
  assert.equal(request.data, "long");
  peer.ok(request);
  await long;
});

test("not any number may wait", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server, { queue: 2 });
  const waiting = [molva.publish("lobby", 1), molva.send("7", 2)];
  await rejects(molva.publish("lobby", 3), "queue_full");
  const peer = await server.greet();
  for (const request of [await peer.next(), await peer.next()]) peer.ok(request);
  await Promise.all(waiting);
});

test("what was under way when the connection broke is unknown, and not sent again", async (t) => {
  const clock = new Clock(t);
  const { server, molva, peer } = await pair(t, { backoff: () => 0 });
  const published = molva.publish("lobby", "perhaps");
  await peer.next();
  peer.socket.terminate();
  await rejects(published, "unknown");
  await clock.pass(1);
  const next = await server.greet();
  await heard(molva, "open").take();
  await roundTrip(molva, next);
});

test("what was not answered in time is unknown, and a late answer nothing", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t);
  const published = molva.publish("lobby", "perhaps", { timeout: 2000 });
  const outcome = rejects(published, "unknown");
  const request = await peer.next();
  await clock.pass(2000);
  await outcome;
  peer.ok(request, { reached: 1 });
  await roundTrip(molva, peer);
});

test("a closed client sends nothing", async (t) => {
  const { molva, peer } = await pair(t);
  const published = molva.publish("lobby", "under way");
  await peer.next();
  const outcome = rejects(published, "unknown");
  molva.close();
  await outcome;
  await rejects(molva.publish("lobby", 1), "closed");
  await rejects(molva.send("7", 1), "closed");
  await rejects(molva.presence("lobby"), "closed");
});

test("what waits is over when the server says to stay away", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const published = molva.publish("lobby", 1);
  const outcome = rejects(published, "closed");
  (await server.accept()).close(4500);
  await outcome;
});

test("what is larger than the server takes is not sent", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const early = rejects(molva.publish("lobby", "x".repeat(100)), "too_large"); // before the limit is known
  const peer = await server.greet({ limits: { message: 100 } });
  await early;
  const overhead = '{"type":"publish","room":"lobby","data":"","ack":2}'.length;
  await rejects(molva.publish("lobby", "щ".repeat(26)), "too_large"); // bytes, not characters
  const fits = molva.publish("lobby", "x".repeat(100 - overhead));
  const request = await peer.next();
  assert.equal(JSON.stringify(request).length, 100);
  peer.ok(request);
  await fits;
});

test("no limits are no limits", async (t) => {
  const { molva, peer } = await pair(t, { hello: { limits: { message: 0, rate: 0 } } });
  const sent = molva.publish("lobby", "x".repeat(200_000));
  peer.ok(await peer.next());
  await sent;
});

test("it sends no faster than the server allows", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t, { hello: { limits: { rate: 10 } } });
  const published = Array.from({ length: 25 }, (_, n) => molva.publish("lobby", n));
  for (const promise of published) promise.catch(() => {});
  await quiet();
  assert.equal(peer.unread().length, 10);
  await clock.pass(500);
  assert.equal(peer.unread().length, 5);
  await clock.pass(750);
  assert.equal(peer.unread().length, 7);
  await clock.pass(1000);
  assert.equal(peer.unread().length, 3);
});

test("less than one in a second is a rate, too", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t, { hello: { limits: { rate: 0.5 } } });
  for (const n of [1, 2]) molva.publish("lobby", n).catch(() => {});
  await quiet();
  assert.equal(peer.unread().length, 1);
  await clock.pass(1750);
  assert.equal(peer.unread().length, 0);
  await clock.pass(250);
  assert.equal(peer.unread().length, 1);
});

test("a clock that was set back stops nothing", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t, { hello: { limits: { rate: 1 } } });
  molva.publish("lobby", 1).catch(() => {});
  await peer.next();
  clock.jump(-3_600_000);
  molva.publish("lobby", 2).catch(() => {});
  await clock.pass(1000);
  assert.equal((await peer.next()).data, 2);
});
