import { WebSocketServer } from "ws";
import { Mailbox } from "./mailbox.js";

/** Server is a molva server that says what a test tells it to. */
export class Server {
  #server;
  #peers = new Mailbox();
  /** The status with which handshakes are refused, if any. */
  refuse;
  /** How many handshakes were asked for. */
  attempts = 0;

  static async start(t) {
    const server = new Server();
    await server.listen(0);
    t.after(() => server.stop());
    return server;
  }

  listen(port = this.port) {
    return new Promise((resolve) => {
      const verifyClient = (_, answer) => {
        this.attempts++;
        answer(!this.refuse, this.refuse);
      };
      this.#server = new WebSocketServer({ port, host: "127.0.0.1", verifyClient }, resolve);
      this.#server.on("connection", (socket, request) => this.#peers.put(new Peer(socket, request)));
    }).then(() => {
      this.port = this.#server.address().port;
      this.url = `ws://127.0.0.1:${this.port}/ws`;
    });
  }

  /** The next connection, not greeted yet. */
  accept() {
    return this.#peers.take("a connection");
  }

  /** The next connection, greeted. */
  async greet(hello) {
    const peer = await this.accept();
    peer.hello(hello);
    return peer;
  }

  stop() {
    for (const socket of this.#server.clients) socket.terminate();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Peer is the server's end of a connection. */
class Peer {
  #received = new Mailbox();
  #closed = new Mailbox();

  constructor(socket, request) {
    this.socket = socket;
    this.url = new URL(request.url, "http://server");
    socket.on("message", (data) => this.#received.put(JSON.parse(data)));
    socket.on("close", (code) => this.#closed.put(code));
  }

  hello(fields) {
    const limits = { message: 65536, rooms: 100, name: 128, rate: 0 };
    this.say({ type: "hello", protocol: 1, conn: "c1", user: "42", limits, time: Date.now(), ...fields });
  }

  close(code, reason) {
    this.socket.close(code, reason);
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  ok({ ack }, fields) {
    this.say({ type: "ok", ack, ...fields });
  }

  fail({ ack }, code, message = "because") {
    this.say({ type: "error", ack, code, message });
  }

  /** The next message of the client. */
  next() {
    return this.#received.take("a message of the client");
  }

  /** What the client said and nobody has looked at. */
  unread() {
    return this.#received.takeAll();
  }

  /** The next message is a join: answers it. */
  async admit(...users) {
    const join = await this.next();
    this.ok(join, { room: join.room, users: users.map((user) => ({ user, conns: 1 })) });
    return join;
  }

  /** The code with which the connection has ended. */
  closed() {
    return this.#closed.take("the end of a connection");
  }
}
