// Compiled, not run: what molva.d.ts lets through, and what it does not.
import { connect, MolvaError } from "molva";
import { WebSocket as NodeWebSocket } from "ws";
import type { CloseInfo, ErrorCode, Hello, Message, Molva, PresenceEvent, Receipt, Room, State } from "molva";

const molva: Molva = connect("/ws?user=42", {
  token: async () => "t",
  WebSocket,
  timeout: 5000,
  heartbeat: 20_000,
  queue: 10,
  backoff: (failures) => failures * 1000,
});
connect(new URL("wss://example.com/ws"));
connect("/ws", { token: "t", WebSocket: NodeWebSocket });
connect("/ws", { token: () => null });

const off: () => void = molva.on("message", (m: Message<{ text: string }>) => m.data.text.toUpperCase());
off();
molva.on("message", (m) => m.room ?? m.user ?? m.all, { signal: new AbortController().signal });
molva.on("open", (hello: Hello) => hello.limits.message);
molva.on("close", (info: CloseInfo) => info.retry && info.code);
molva.on("state", ({ state, delay }) => {
  const known: State = state;
  if (known === "waiting" && delay !== undefined) Math.round(delay / 1000);
});
molva.on("presence", (change: PresenceEvent) => change.event === "joined" && change.user);
molva.on("error", (error) => error.code === "forbidden" && error.room);

async function use(): Promise<void> {
  const lobby: Room = await molva.join("lobby", { presence: true, timeout: 1000 });
  const users: readonly string[] = lobby.users;
  const receipt: Receipt = await lobby.publish({ text: users.join() }, { echo: true });
  await molva.publish(lobby.name);
  await molva.send("7", receipt.reached, { timeout: 1000 });
  const { users: listed, more } = await molva.presence("lobby");
  if (more || listed[0].conns > 1) await lobby.leave();
  lobby.on("message", ({ data }) => data);
  try {
    await molva.publish("lobby", 1);
  } catch (error) {
    if (error instanceof MolvaError) {
      const code: ErrorCode = error.code;
      if (code === "unknown") molva.reconnect();
    }
  }
  molva.hello?.user?.trim();
  molva.close();
}
void use;

// @ts-expect-error: no such event
molva.on("massage", () => {});
// @ts-expect-error: a room has no state
void use().then(async () => (await molva.join("lobby")).on("state", () => {}));
// @ts-expect-error: read only
molva.state = "open";
// @ts-expect-error: not its type
connect("/ws", { token: 42 });
// @ts-expect-error: no such option
connect("/ws", { retries: 3 });
// @ts-expect-error: a client is made by connect
new Molva("/ws");
