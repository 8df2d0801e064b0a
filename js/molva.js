/**
 * molva: the browser client of `molva serve`. It runs in browsers, in workers and in Node, and needs nothing else.
 *
 *     import { connect } from "/molva.js";
 *     const molva = connect("/ws?user=42");
 *     molva.on("message", (m) => console.log(m.data));
 *     const lobby = await molva.join("lobby", { presence: true });
 *     await lobby.publish({ text: "hi" });
 *
 * What the types are is said in molva.d.ts, what goes over the wire in docs/protocol.md.
 *
 * @module
 * @license MIT
 */

const stableAfter = 5000; // ms: a connection that held this long starts the count of failures anew
const lateBy = 2000; // ms: a timer that is this late slept, with the tab or with the computer
const longestTimer = 2 ** 31 - 1; // ms: what setTimeout can take
const hiddenFailures = 6; // a hidden tab is in no hurry: it waits as after so many failures
const sternFailures = 4; // likewise who was sent away for a while
const sternCodes = [1002, 1003, 1007, 1008, 1009, 1011, 1013, 4400];

const emit = Symbol();
const update = Symbol();

/** An error with a code that programs can rely on: one of the server's or one of the client's; see molva.d.ts. */
export class MolvaError extends Error {
  name = "MolvaError";

  /**
   * @param {string} code
   * @param {string} message says what is wrong, to the developer
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

const unknown = () => new MolvaError("unknown", "no answer came; it may have arrived or not");
const closed = () => new MolvaError("closed", "the client is closed");
const denied = (reason) => new MolvaError("denied", reason || "the server does not let us in");

/** Events has listeners. */
class Events {
  #listeners = { __proto__: null };

  /**
   * Calls a listener with each event of that name, until the function returned is called or the signal aborts.
   *
   * @param {string} event
   * @param {(value: any) => void} listener
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {() => void}
   */
  on(event, listener, { signal } = {}) {
    const listeners = (this.#listeners[event] ??= new Set());
    const entry = { listener }; // one function may listen twice
    const off = () => void listeners.delete(entry);
    if (!signal?.aborted) listeners.add(entry);
    signal?.addEventListener("abort", off);
    return off;
  }

  // What one listener throws is reported like any uncaught error, and is no concern of the others.
  [emit](event, value) {
    const listeners = this.#listeners[event];
    for (const entry of [...(listeners ?? [])]) {
      try {
        if (listeners.has(entry)) entry.listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

const isOffline = () => globalThis.navigator?.onLine === false;
const isHidden = () => globalThis.document?.visibilityState === "hidden";

/**
 * Link keeps a WebSocket open. Its states are "connecting" (until hello), "open", "waiting" (for the next attempt, the
 * network or the page) and "closed". It knows nothing of requests and rooms.
 */
class Link {
  state = "closed";
  #url;
  #options;
  #on;
  #attempt; // what tells this attempt from those before
  #socket;
  #timer;
  #failures = 0;
  #openSince;
  #heard; // something came since the last look
  #page; // stops listening to the page

  /**
   * @param {string | URL} url
   * @param {object} options of connect
   * @param {object} on what to call: state(state, delay), hello(m), message(m), ping(), lost(event), error(error)
   */
  constructor(url, options, on) {
    if (!options.WebSocket) {
      throw new Error("molva: there is no WebSocket here; pass one, as connect(url, { WebSocket }) with npm's ws");
    }
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.hash = "";
    this.#options = options;
    this.#on = on;
  }

  /** Connects now. */
  async open() {
    const attempt = (this.#attempt = {});
    this.#listenToPage();
    this.#alarm(this.#options.timeout, () => this.#lost(1006, "no hello in time"));
    this.#enter("connecting");
    const url = new URL(this.#url);
    try {
      const { token, WebSocket } = this.#options;
      const value = typeof token == "function" ? await token() : token;
      if (this.#attempt != attempt) return;
      if (value) url.searchParams.set("token", value);
      const socket = (this.#socket = new WebSocket(url.href, "molva.v1"));
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => this.#lost(code, reason);
      socket.onerror = () => {}; // onclose follows
    } catch (cause) {
      if (this.#attempt != attempt) return;
      this.#on.error(new MolvaError("connect", `cannot connect: ${cause}`, { cause }));
      if (this.#attempt == attempt) this.#lost(1006, "cannot connect");
    }
  }

  /** Connects now, unless it is connected or about to be, and whatever the browser says of the network. */
  reopen() {
    if (this.state == "waiting" || this.state == "closed") {
      this.#failures = 0;
      this.open();
    }
  }

  send(text) {
    this.#socket.send(text);
  }

  /** Closes for good. */
  close() {
    if (this.state != "closed") this.#lost(1000, "");
  }

  #enter(state) {
    this.state = state;
    this.#on.state(state);
  }

  #receive(data) {
    this.#heard = true;
    let message;
    try {
      message = JSON.parse(data);
    } catch {}
    if (!message?.type) {
      this.#lost(1006, "not the server's protocol");
    } else if (message.type == "hello") {
      this.#openSince = Date.now();
      this.#watch(false);
      this.state = "open";
      this.#on.hello(message);
    } else {
      this.#on.message(message);
    }
  }

  // The socket is not asked whether it agrees: without a network it takes long to say so.
  #lost(code, reason, paused = isOffline()) {
    clearTimeout(this.#timer);
    if (this.#socket) {
      this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close(1000);
    }
    this.#socket = this.#attempt = undefined;
    if (this.state == "open" && Date.now() - this.#openSince > stableAfter) this.#failures = 0;
    const unauthorized = code == 4401 && typeof this.#options.token != "function";
    const retry = code != 1000 && code != 4403 && code < 4500 && !unauthorized;
    let delay;
    if (retry) {
      delay = this.#schedule(code, paused);
    } else {
      this.#page?.abort();
      this.#page = undefined;
    }
    this.state = retry ? "waiting" : "closed";
    this.#on.lost({ code, reason, retry }, delay);
  }

  // schedule sets the time of the next attempt and returns the delay, or undefined if it waits for something else.
  #schedule(code, paused) {
    if (sternCodes.includes(code)) this.#failures = Math.max(this.#failures, sternFailures);
    const failures = this.#failures++;
    if (paused) return;
    const delay = this.#options.backoff(isHidden() ? Math.max(failures, hiddenFailures) : failures);
    this.#alarm(delay, () => this.open());
    return delay;
  }

  // alarm replaces the timer. It tells whether it rang late.
  #alarm(delay, ring) {
    clearTimeout(this.#timer);
    const due = Date.now() + delay;
    this.#timer = setTimeout(() => ring(Date.now() - due > lateBy), delay);
  }

  // watch looks whether something was heard when the time is up. After a long silence, or at once if probe is true, it
  // pings. A probe that is late proves nothing, as the answer may be waiting in line behind the timer.
  #watch(probe) {
    const { heartbeat, timeout } = this.#options;
    this.#heard = false;
    this.#alarm(probe ? timeout : heartbeat, (late) => {
      if (probe && !this.#heard && !late) this.#lost(1006, "no answer");
      else this.#watch(!this.#heard && !isHidden());
    });
    if (probe) this.#on.ping();
  }

  #listenToPage() {
    if (this.#page) return;
    this.#page = new AbortController();
    const { signal } = this.#page;
    const { document } = globalThis;
    const listen = (target, type, listener) => target?.addEventListener?.(type, listener, { signal });
    const wake = () => this.#wake();
    listen(globalThis, "online", wake);
    listen(globalThis, "pageshow", wake);
    listen(document, "resume", wake);
    listen(document, "visibilitychange", () => isHidden() || wake());
    listen(globalThis, "offline", () => (this.state == "waiting" ? this.#pause() : wake()));
    listen(globalThis, "pagehide", ({ persisted }) => persisted && this.#pause());
  }

  // wake is for when the page or the network may have been away: does the connection live, or can it now?
  #wake() {
    if (this.state == "open") this.#watch(true);
    else if (this.state == "waiting" && !isOffline()) this.reopen();
  }

  // pause makes no attempt before the next wake. A connection ends: a page that has one is not kept for the way back.
  #pause() {
    clearTimeout(this.#timer);
    if (this.state == "waiting") this.#enter("waiting");
    else this.#lost(1006, "the page was left", true);
  }
}

/** Room is a room that was joined, until it is left. There is one for each name. */
class Room extends Events {
  /** Who is in the room, as the server lists them; kept up to date if it was joined with presence. */
  users = [];
  /** There are others whom the list has no place for. */
  more = false;
  #client;
  #leave;

  constructor(name, client, leave) {
    super();
    this.name = name;
    this.#client = client;
    this.#leave = leave;
  }

  /** Publishes to the room, as Molva.publish does. */
  publish(data, options) {
    return this.#client.publish(this.name, data, options);
  }

  /** Leaves the room. Its listeners hear nothing more. */
  leave() {
    return this.#leave();
  }
}

/** Molva is a client: what `connect` returns. */
class Molva extends Events {
  /** What the server said first on this connection, or on the last one: user, conn, limits and such. */
  hello;
  #options;
  #link;
  #rooms = new Map(); // entries by the room's name, see join
  #queue = []; // requests to be sent
  #pending = new Map(); // requests that were sent, by ack
  #ack = 0;
  #sendable = 0; // when the rate allows another request
  #pacing; // a timer
  #inbox = []; // messages to be handled
  #held = false; // they wait
  #renewal; // a timer

  constructor(url, options) {
    super();
    this.#options = options;
    this.#link = new Link(url, options, {
      state: (state) => this[emit]("state", { state }),
      hello: (hello) => this.#opened(hello),
      message: (message) => this.#receive(message),
      lost: (event, delay) => this.#lost(event, delay),
      ping: () => this.#ask({ type: "ping" }, () => {}),
      error: (error) => this[emit]("error", error),
    });
    this.#link.open();
  }

  /** "connecting", "open", "waiting" or "closed" */
  get state() {
    return this.#link.state;
  }

  /** Publishes to a room. */
  publish(room, data = null, { echo, subject, timeout } = {}) {
    return this.#request({ type: "publish", room, data, echo, subject }, timeout);
  }

  /** Sends to a user. */
  send(user, data = null, { timeout } = {}) {
    return this.#request({ type: "send", user, data }, timeout);
  }

  /** Asks who is in a room. */
  async presence(room, { timeout } = {}) {
    const { users, more = false } = await this.#request({ type: "presence", room }, timeout);
    return { users, more };
  }

  /** Joins a room, and again after each reconnection, until it is left. */
  join(name, { presence = false, timeout = this.#options.timeout } = {}) {
    return new Promise((resolve, reject) => {
      if (this.state == "closed") throw closed();
      let entry = this.#rooms.get(name);
      if (!entry) {
        // joined is the hello of the connection on which the server last agreed, granted the presence it agreed to.
        entry = { joined: undefined, granted: false, waiting: new Set() };
        entry.room = new Room(name, this, () => this.#leave(entry));
        this.#rooms.set(name, entry);
      }
      const settle = (error) => {
        clearTimeout(timer);
        entry.waiting.delete(settle);
        if (error) reject(error);
        else resolve(entry.room);
      };
      const timer = setTimeout(() => {
        settle(new MolvaError("timeout", "the room could not be joined in time"));
        if (!entry.joined && !entry.waiting.size) this.#leave(entry);
      }, timeout);
      entry.presence = presence;
      entry.waiting.add(settle);
      if (this.state == "open") this.#enter(entry);
    });
  }

  /** Connects now instead of later, or again after the client was closed. */
  reconnect() {
    this.#link.reopen();
  }

  /** Closes the client. */
  close() {
    this.#link.close();
  }

  // request is for what the user asks: it waits for a connection, but not for long and not in any number.
  #request(message, timeout = this.#options.timeout) {
    return new Promise((resolve, reject) => {
      if (this.state == "closed") throw closed();
      if (this.#queue.length >= this.#options.queue) throw new MolvaError("queue_full", "too many requests are waiting");
      const text = JSON.stringify(message);
      const timer = setTimeout(() => {
        this.#queue = this.#queue.filter((other) => other != request);
        const sent = this.#pending.delete(request.ack);
        request.done(sent ? unknown() : new MolvaError("timeout", "there was no connection in time"));
      }, timeout);
      const done = (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(answer);
      };
      const request = { text, done, keep: true };
      this.#queue.push(request);
      this.#flush();
    });
  }

  // ask is for what the client itself has to ask, on this connection only: done(error, answer) is called once.
  #ask(message, done) {
    this.#queue.push({ text: JSON.stringify(message), done });
    this.#flush();
  }

  #flush() {
    clearTimeout(this.#pacing);
    while (this.#queue.length && this.state == "open") {
      const { message: limit, rate } = this.hello.limits ?? {};
      const wait = rate ? this.#pace(1000 / rate) : 0;
      if (wait > 0) {
        this.#pacing = setTimeout(() => this.#flush(), wait);
        return;
      }
      const request = this.#queue.shift();
      const text = `${request.text.slice(0, -1)},"ack":${++this.#ack}}`;
      const size = new TextEncoder().encode(text).length;
      if (limit && size > limit) {
        request.done(new MolvaError("too_large", `${size} bytes are more than the server's limit of ${limit}`));
      } else {
        request.ack = this.#ack;
        this.#pending.set(request.ack, request);
        this.#link.send(text);
      }
    }
  }

  // pace returns 0 if one more may be sent, else for how many ms it must wait. What may be sent in a second may be sent
  // at once.
  #pace(step) {
    const now = Date.now();
    const earliest = now - Math.max(1000 - step, 0);
    this.#sendable = Math.min(Math.max(this.#sendable, earliest), now + step); // the clock may have been set back
    if (this.#sendable > now) return this.#sendable - now;
    this.#sendable += step;
    return 0;
  }

  #opened(hello) {
    this.hello = hello;
    this.#ack = this.#sendable = 0;
    const queue = this.#queue;
    this.#queue = [];
    for (const entry of this.#rooms.values()) this.#enter(entry);
    this.#queue.push(...queue);
    this.#flush();
    this.#renewBefore(hello.expires);
    this[emit]("state", { state: "open" });
    if (this.state == "open") this[emit]("open", hello);
  }

  #lost(event, delay) {
    while (this.#inbox.length) this.#release();
    clearTimeout(this.#renewal);
    const { code, reason, retry } = event;
    const ended = () => (code == 4401 || code == 4403 ? denied(reason) : closed());
    const pending = this.#pending;
    const queue = this.#queue;
    this.#pending = new Map();
    this.#queue = queue.filter(({ keep }) => keep && retry);
    for (const request of pending.values()) request.done(unknown());
    for (const request of queue) if (!retry || !request.keep) request.done(ended());
    for (const [name, entry] of this.#rooms) {
      if (retry) continue;
      if (!entry.joined) this.#rooms.delete(name);
      for (const settle of entry.waiting) settle(ended());
    }
    this[emit]("state", { state: this.state, delay });
    this[emit]("close", event);
  }

  // receive handles messages in order. When a room was joined, who waited for it comes first: only then they listen, and
  // some implementations hand over several messages at once.
  #receive(message) {
    this.#inbox.push(message);
    if (!this.#held) this.#release();
  }

  #hold() {
    this.#held = true;
    setTimeout(() => this.#release());
  }

  #release() {
    this.#held = false;
    while (this.#inbox.length && !this.#held) this.#handle(this.#inbox.shift());
  }

  #handle({ type, ack, ...message }) {
    const entry = this.#rooms.get(message.room);
    const request = this.#pending.get(ack);
    const error = type == "error" && new MolvaError(message.code, message.message);
    if (request && (error || type == "ok")) {
      this.#pending.delete(ack);
      request.done(error, message);
    } else if (error) {
      this[emit]("error", error);
    } else if (type == "message") {
      this[emit]("message", message);
      entry?.room[emit]("message", message);
    } else if (entry?.joined == this.hello) {
      if (type == "presence") this.#changed(entry.room, message);
      if (type == "left") this.#expelled(entry, new MolvaError("forbidden", "the room may not be joined any more"));
    }
  }

  // changed tells who came or went. The list is a new one each time, for those who compare or still look at the old one.
  #changed(room, change) {
    const { event, user } = change;
    room.users = room.users.filter((other) => other != user);
    if (event == "joined") room.users.push(user);
    this[emit]("presence", change);
    room[emit]("presence", change);
  }

  #enter(entry) {
    const { room, presence } = entry;
    this.#ask({ type: "join", room: room.name, presence }, (error, answer) => {
      // It may have been left meanwhile. Without a connection the next one will do it.
      if (this.#rooms.get(room.name) != entry || this.state != "open") return;
      if (error) this.#refused(entry, error);
      else this.#joined(entry, presence, answer);
    });
  }

  #joined(entry, presence, { users = [], more = false }) {
    const { room, joined, granted, waiting } = entry;
    const now = users.map(({ user }) => user);
    const before = room.users;
    const comparable = joined && granted && presence && !room.more && !more;
    entry.joined = this.hello;
    entry.granted = presence;
    room.more = more;
    if (comparable) {
      const change = (event) => (user) => this.#changed(room, { room: room.name, event, user });
      before.filter((user) => !now.includes(user)).forEach(change("left"));
      now.filter((user) => !before.includes(user)).forEach(change("joined"));
    }
    room.users = now;
    if (waiting.size) this.#hold();
    for (const settle of waiting) settle();
  }

  #refused(entry, error) {
    const { room, joined, granted, waiting } = entry;
    if (joined && joined != this.hello) {
      this.#expelled(entry, error);
      return;
    }
    for (const settle of waiting) settle(error);
    if (joined) entry.presence = granted; // as before
    else this.#rooms.delete(room.name);
  }

  // expelled is for a room that was joined, and that the server does not let us be in any more.
  #expelled({ room, waiting }, error) {
    this.#rooms.delete(room.name);
    for (const settle of waiting) settle(error);
    error.room = room.name;
    this[emit]("error", error);
    room[emit]("error", error);
  }

  async #leave({ room, waiting }) {
    const { name } = room;
    if (this.#rooms.get(name)?.room != room) return;
    this.#rooms.delete(name);
    for (const settle of waiting) settle(new MolvaError("left", "the room was left meanwhile"));
    if (this.state == "open") await new Promise((resolve) => this.#ask({ type: "leave", room: name }, resolve));
  }

  // renewBefore renews the token in time, and tries again before that time is over if it fails. Clocks may differ.
  #renewBefore(expires, ahead = this.hello.time - Date.now()) {
    const left = expires - Date.now() - ahead;
    const { hello } = this;
    const { token } = this.#options;
    clearTimeout(this.#renewal);
    if (!(left > 1000) || typeof token != "function") return;
    this.#renewal = setTimeout(async () => {
      try {
        const request = { type: "renew", token: await token() };
        if (this.hello != hello || this.state != "open") return;
        const done = (error, answer) => {
          if (this.state != "open") return;
          if (error) this[emit]("error", error);
          this.#renewBefore(error ? expires : answer.expires, ahead);
        };
        this.#ask(request, done);
      } catch (cause) {
        if (this.hello != hello || this.state != "open") return;
        this[emit]("error", new MolvaError("token", `no new token: ${cause}`, { cause }));
        this.#renewBefore(expires, ahead);
      }
    }, Math.min(left * (0.7 + 0.2 * Math.random()), longestTimer));
  }
}

const jittered = (failures) => Math.random() * Math.min(30_000, 500 * 2 ** failures);

/**
 * Connects to a server, and stays connected until `close` is called or the server says to stay away.
 *
 * @param {string | URL} url of scheme ws, wss, http or https; in a page it may be relative to it
 * @param {object} [options] see molva.d.ts
 * @returns {Molva}
 */
export function connect(url, options = {}) {
  const {
    token,
    WebSocket = globalThis.WebSocket,
    timeout = 10_000,
    heartbeat = 25_000,
    queue = 1000,
    backoff = jittered,
  } = options;
  return new Molva(url, { token, WebSocket, timeout, heartbeat, queue, backoff });
}
