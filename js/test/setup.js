import WebSocket from "ws";
import { connect } from "../molva.js";
import { Clock, quiet } from "./clock.js";
import { Mailbox } from "./mailbox.js";
import { Server } from "./server.js";

export { Clock, quiet, Server };

/** A client of the server that ends with the test. */
export function client(t, server, options) {
  const molva = connect(server.url, { WebSocket, ...options });
  t.after(() => molva.close());
  return molva;
}

/** A client and the server's end of its connection. */
export async function pair(t, { hello, ...options } = {}) {
  const server = await Server.start(t);
  const molva = client(t, server, options);
  const open = heard(molva, "open");
  const peer = await server.greet(hello);
  await open.take("open");
  return { server, molva, peer };
}

/** The events of that name from now on. */
export function heard(from, event) {
  const mailbox = new Mailbox();
  from.on(event, (value) => mailbox.put(value));
  return mailbox;
}

/** Makes the random waits the longest they can be. */
export function noLuck(t) {
  t.mock.method(Math, "random", () => 0.999999);
}

/** The other side has got all that was sent so far, and has answered. */
export async function roundTrip(molva, peer) {
  const asked = molva.presence("the round trip");
  for (;;) {
    const message = await peer.next();
    if (message.room !== "the round trip") throw new Error(`unexpected: ${JSON.stringify(message)}`);
    peer.ok(message, { users: [] });
    return asked;
  }
}
