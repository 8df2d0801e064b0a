import assert from "node:assert/strict";
import { test } from "node:test";
import { client, Clock, heard, pair, quiet, roundTrip, Server } from "./setup.js";

const named = (...users) => users.map((user) => ({ user, conns: 1 }));

/** A client that has joined the lobby, where some users are. */
async function inLobby(t, users = ["7", "42"], { presence = true, ...options } = {}) {
  const both = await pair(t, options);
  const joined = both.molva.join("lobby", { presence });
  await both.peer.admit(...users);
  return { ...both, lobby: await joined };
}

/** The connection breaks. Returns the next one, greeted. */
async function comeBack({ server, molva, peer }, hello) {
  const closed = heard(molva, "close");
  peer.socket.terminate();
  await closed.take();
  const opened = heard(molva, "open");
  molva.reconnect();
  const next = await server.greet(hello);
  await opened.take();
  return next;
}

test("a room is joined and knows who is there", async (t) => {
  const { molva, peer } = await pair(t);
  const joined = molva.join("lobby", { presence: true });
  assert.deepEqual(await peer.admit("7", "42"), { type: "join", room: "lobby", presence: true, ack: 1 });
  const lobby = await joined;
  assert.equal(lobby.name, "lobby");
  assert.deepEqual(lobby.users, ["7", "42"]);
  assert.equal(lobby.more, false);
});

test("whose users one may not see is joined, too", async (t) => {
  const { molva, peer } = await pair(t);
  const joined = molva.join("lobby");
  const join = await peer.next();
  assert.equal(join.presence, false);
  peer.ok(join, { room: "lobby" });
  assert.deepEqual((await joined).users, []);
});

test("a message is heard in its room and by the client, and nowhere else", async (t) => {
  const { molva, peer, lobby } = await inLobby(t);
  const joined = molva.join("attic");
  await peer.admit();
  const here = heard(lobby, "message");
  const there = heard(await joined, "message");
  const anywhere = heard(molva, "message");
  const messages = [
    { id: "1", room: "lobby", from: "7", data: { text: "hi" }, time: 1 },
    { id: "2", room: "elsewhere", data: null, time: 2 },
    { id: "3", user: "42", data: 3, time: 3 },
    { id: "4", all: true, data: 4, time: 4 },
  ];
  for (const message of messages) peer.say({ type: "message", ...message });
  for (const message of messages) assert.deepEqual(await anywhere.take(), message);
  assert.deepEqual(here.takeAll(), [messages[0]]);
  assert.deepEqual(there.takeAll(), []);
});

test("who listens once the room is joined misses no message", async (t) => {
  const { molva, peer } = await pair(t);
  const join = async () => {
    const lobby = await molva.join("lobby");
    return heard(lobby, "message");
  };
  const joining = join().then(async (messages) => {
    await quiet(); // as when the application has something to do first
    return messages;
  });
  const request = await peer.next();
  peer.socket._socket.cork(); // all of it in one segment
  peer.ok(request, { room: "lobby", users: [] });
  for (let n = 1; n <= 3; n++) peer.say({ type: "message", id: `${n}`, room: "lobby", data: n, time: n });
  peer.socket._socket.uncork();
  const messages = await joining;
  for (let n = 1; n <= 3; n++) assert.equal((await messages.take()).data, n);
});

test("what was answered before the connection broke was answered", async (t) => {
  const { molva, peer } = await pair(t);
  const joined = molva.join("lobby");
  const published = molva.publish("lobby", 1);
  const [join, publish] = [await peer.next(), await peer.next()];
  peer.socket._socket.cork();
  peer.ok(join, { room: "lobby", users: [] });
  peer.ok(publish, { reached: 5 });
  peer.close(1001);
  peer.socket._socket.uncork();
  await joined;
  assert.equal((await published).reached, 5);
});

test("who comes and goes is told", async (t) => {
  const { molva, peer, lobby } = await inLobby(t);
  const here = heard(lobby, "presence");
  const anywhere = heard(molva, "presence");
  const before = lobby.users;
  const change = async (event, user, users) => {
    peer.say({ type: "presence", room: "lobby", event, user });
    assert.deepEqual(await here.take(), { room: "lobby", event, user });
    assert.deepEqual(await anywhere.take(), { room: "lobby", event, user });
    assert.deepEqual(lobby.users, users);
  };
  await change("joined", "8", ["7", "42", "8"]);
  await change("left", "7", ["42", "8"]);
  await change("left", "nobody", ["42", "8"]);
  assert.deepEqual(before, ["7", "42"]);
});

test("a room publishes", async (t) => {
  const { peer, lobby } = await inLobby(t);
  const published = lobby.publish("hi", { echo: true });
  const request = await peer.next();
  assert.deepEqual(request, { type: "publish", room: "lobby", data: "hi", echo: true, ack: 2 });
  peer.ok(request, { reached: 1 });
  assert.equal((await published).reached, 1);
});

test("a refused join rejects and is not tried again", async (t) => {
  const both = await pair(t);
  const errors = heard(both.molva, "error");
  const joined = both.molva.join("secret");
  both.peer.fail(await both.peer.next(), "forbidden", "you may not do that");
  await assert.rejects(joined, { code: "forbidden", message: "you may not do that" });
  await roundTrip(both.molva, await comeBack(both));
  assert.deepEqual(errors.takeAll(), []);
});

test("joined twice it is the same room, with presence as the last one says", async (t) => {
  const both = await inLobby(t, [], { presence: false });
  const again = both.molva.join("lobby", { presence: true });
  assert.equal((await both.peer.admit("7")).presence, true);
  assert.equal(await again, both.lobby);
  assert.deepEqual(both.lobby.users, ["7"]);
  const next = await comeBack(both);
  assert.equal((await next.admit()).presence, true);
  await roundTrip(both.molva, next);
});

test("two joins at a time are both answered", async (t) => {
  const { molva, peer } = await pair(t);
  const [one, two] = [molva.join("lobby"), molva.join("lobby")];
  await peer.admit();
  await peer.admit();
  assert.equal(await one, await two);
});

test("a join waits for the connection, and what is published after it comes after it", async (t) => {
  const server = await Server.start(t);
  const molva = client(t, server);
  const published = molva.publish("lobby", 1);
  const joined = molva.join("lobby");
  const peer = await server.greet();
  await peer.admit();
  peer.ok(await peer.next(), { reached: 1 });
  await joined;
  assert.equal((await published).reached, 1);
});

test("a join that was under way when the connection broke is made on the next", async (t) => {
  const both = await pair(t);
  const joined = both.molva.join("lobby", { presence: true });
  await both.peer.next();
  const next = await comeBack(both);
  await next.admit("7");
  assert.deepEqual((await joined).users, ["7"]);
});

test("rooms are joined again as they were, before anything else is said", async (t) => {
  const both = await inLobby(t);
  const joined = both.molva.join("attic");
  await both.peer.admit();
  await joined;
  both.peer.socket.terminate();
  await heard(both.molva, "close").take();
  const published = both.lobby.publish("waiting");
  both.molva.reconnect();
  const next = await both.server.greet({ conn: "c2" });
  assert.deepEqual(await next.admit("42"), { type: "join", room: "lobby", presence: true, ack: 1 });
  assert.deepEqual(await next.admit(), { type: "join", room: "attic", presence: false, ack: 2 });
  next.ok(await next.next(), { reached: 1 });
  await published;
  const messages = heard(both.lobby, "message");
  next.say({ type: "message", id: "1", room: "lobby", data: 1, time: 1 });
  await messages.take();
});

test("who came and went meanwhile is told", async (t) => {
  const both = await inLobby(t, ["1", "2", "3"]);
  const changes = heard(both.molva, "presence");
  const lists = heard(both.lobby, "presence");
  const next = await comeBack(both);
  assert.deepEqual(both.lobby.users, ["1", "2", "3"]);
  await next.admit("3", "4", "1");
  const room = "lobby";
  assert.deepEqual(await changes.take(), { room, event: "left", user: "2" });
  assert.deepEqual(await changes.take(), { room, event: "joined", user: "4" });
  assert.deepEqual(changes.takeAll(), []);
  assert.equal(lists.takeAll().length, 2);
  assert.deepEqual(both.lobby.users, ["3", "4", "1"]);
});

test("who did not ask for presence is not told", async (t) => {
  const both = await inLobby(t, ["1"], { presence: false });
  const changes = heard(both.molva, "presence");
  const next = await comeBack(both);
  await next.admit("2");
  await roundTrip(both.molva, next);
  assert.deepEqual(both.lobby.users, ["2"]);
  assert.deepEqual(changes.takeAll(), []);
});

test("lists that are not complete are not compared", async (t) => {
  const both = await inLobby(t, ["1", "2"]);
  const changes = heard(both.molva, "presence");
  let next = both.peer;
  for (const [users, more] of [
    [["2", "3"], true],
    [["4"], undefined],
  ]) {
    next = await comeBack({ ...both, peer: next });
    next.ok(await next.next(), { room: "lobby", users: named(...users), more });
    await roundTrip(both.molva, next);
    assert.deepEqual(both.lobby.users, users);
    assert.equal(both.lobby.more, !!more);
  }
  assert.deepEqual(changes.takeAll(), []);
});

test("a room that cannot be joined again is told of and left", async (t) => {
  const both = await inLobby(t);
  const [here, anywhere] = [heard(both.lobby, "error"), heard(both.molva, "error")];
  const next = await comeBack(both);
  next.fail(await next.next(), "forbidden");
  const error = await anywhere.take();
  assert.equal(error.code, "forbidden");
  assert.equal(error.room, "lobby");
  assert.equal(await here.take(), error);
  await roundTrip(both.molva, await comeBack({ ...both, peer: next }));
});

test("a room that the server takes away is told of and not joined again", async (t) => {
  const both = await inLobby(t);
  const [here, anywhere] = [heard(both.lobby, "error"), heard(both.molva, "error")];
  both.peer.say({ type: "left", room: "elsewhere" }); // never joined
  both.peer.say({ type: "left", room: "lobby" });
  const error = await anywhere.take();
  assert.equal(error.code, "forbidden");
  assert.equal(error.room, "lobby");
  assert.equal(await here.take(), error);
  await roundTrip(both.molva, await comeBack(both));
});

test("presence that is refused leaves the room as it was", async (t) => {
  const both = await inLobby(t, [], { presence: false });
  const again = both.molva.join("lobby", { presence: true });
  both.peer.fail(await both.peer.next(), "forbidden");
  await assert.rejects(again, { code: "forbidden" });
  const messages = heard(both.lobby, "message");
  both.peer.say({ type: "message", id: "1", room: "lobby", data: 1, time: 1 });
  await messages.take();
  const next = await comeBack(both);
  assert.equal((await next.admit()).presence, false);
});

test("a room that was left is silent", async (t) => {
  const both = await inLobby(t);
  const messages = heard(both.lobby, "message");
  const presence = heard(both.molva, "presence");
  const left = both.lobby.leave();
  const request = await both.peer.next();
  assert.deepEqual(request, { type: "leave", room: "lobby", ack: 2 });
  both.peer.say({ type: "message", id: "1", room: "lobby", data: 1, time: 1 });
  both.peer.say({ type: "presence", room: "lobby", event: "joined", user: "9" });
  both.peer.ok(request, { room: "lobby" });
  assert.equal(await left, undefined);
  assert.deepEqual(messages.takeAll(), []);
  assert.deepEqual(presence.takeAll(), []);
  await both.lobby.leave(); // again, which does nothing
  await roundTrip(both.molva, await comeBack(both));
});

test("leave before the join was answered ends the join", async (t) => {
  const both = await inLobby(t);
  const again = both.molva.join("lobby");
  const outcome = assert.rejects(again, { code: "left" });
  const left = both.lobby.leave();
  await outcome;
  await both.peer.admit();
  both.peer.ok(await both.peer.next());
  await left;
  await roundTrip(both.molva, await comeBack(both));
});

test("left and joined again it is a new room", async (t) => {
  const { molva, peer, lobby } = await inLobby(t);
  const left = lobby.leave();
  const joined = molva.join("lobby", { presence: true });
  const presence = heard(molva, "presence");
  peer.say({ type: "presence", room: "lobby", event: "joined", user: "stale" });
  peer.ok(await peer.next());
  await peer.admit("8");
  await left;
  const room = await joined;
  assert.notEqual(room, lobby);
  assert.deepEqual(room.users, ["8"]);
  assert.deepEqual(presence.takeAll(), []);
  await lobby.leave(); // the old one, which is not this one
  await roundTrip(molva, peer);
});

test("leaving needs no connection", async (t) => {
  const both = await inLobby(t);
  both.peer.socket.terminate();
  await heard(both.molva, "close").take();
  await both.lobby.leave();
  both.molva.reconnect();
  const next = await both.server.greet();
  await heard(both.molva, "open").take();
  await roundTrip(both.molva, next);
});

test("leaving while the connection breaks is leaving", async (t) => {
  const both = await inLobby(t);
  const left = both.lobby.leave();
  await both.peer.next();
  both.peer.socket.terminate();
  await left;
});

test("a join that nobody answers is given up", async (t) => {
  const clock = new Clock(t);
  const { molva, peer } = await pair(t);
  const outcome = assert.rejects(molva.join("lobby", { timeout: 2000 }), { code: "timeout" });
  const join = await peer.next();
  await clock.pass(2000);
  await outcome;
  assert.equal((await peer.next()).type, "leave");
  peer.ok(join, { room: "lobby", users: [] });
  await roundTrip(molva, peer);
});

test("a room that is joined stays so when another join is not answered", async (t) => {
  const clock = new Clock(t);
  const { molva, peer, lobby } = await inLobby(t);
  const outcome = assert.rejects(molva.join("lobby", { timeout: 2000 }), { code: "timeout" });
  await peer.next();
  await clock.pass(2000);
  await outcome;
  const messages = heard(lobby, "message");
  peer.say({ type: "message", id: "1", room: "lobby", data: 1, time: 1 });
  await messages.take();
});

test("a closed client joins nothing, but remembers where it was", async (t) => {
  const both = await inLobby(t);
  const { molva } = both;
  const outcome = assert.rejects(molva.join("attic"), { code: "closed" });
  molva.close();
  await outcome;
  await assert.rejects(molva.join("cellar"), { code: "closed" });
  molva.reconnect();
  const next = await both.server.greet();
  assert.equal((await next.admit("42")).room, "lobby");
  await roundTrip(molva, next);
});

test("rooms are joined again no faster than the server allows, even if it breaks meanwhile", async (t) => {
  const clock = new Clock(t);
  const rate = { limits: { rate: 2 } };
  const both = await pair(t, { hello: rate });
  const names = ["a", "b", "c", "d", "e"];
  const joined = Promise.all(names.map((name) => both.molva.join(name)));
  await quiet();
  assert.equal(both.peer.unread().length, 2);
  const next = await comeBack(both, rate);
  for (const name of names) {
    await clock.pass(500);
    assert.equal((await next.admit()).room, name);
  }
  await clock.pass(1000);
  await joined;
  assert.deepEqual(next.unread(), []);
});
