/** A client of a molva server: what {@link connect} returns. */
export interface Molva extends Listenable<ClientEvents> {
  readonly state: State;
  /** What the server said first on this connection, or on the last one; undefined before the first. */
  readonly hello?: Hello;

  /**
   * Joins a room, and joins it again after each reconnection, until it is left. Joining it twice gives the same room;
   * `presence` is then as the last call says. Without a connection it waits for one.
   *
   * Rejects with the server's reason, or with "timeout", "left", "closed" or "denied"; then the room was not joined.
   */
  join(room: string, options?: JoinOptions): Promise<Room>;

  /**
   * Publishes to a room. `data` is any JSON value; undefined becomes null. Without a connection it waits for one, in
   * order. It is never sent twice. Rejects with a {@link MolvaError}: with "unknown" it may have arrived or not, with any
   * other code it has not.
   */
  publish(room: string, data?: unknown, options?: PublishOptions): Promise<Receipt>;

  /** Sends to all connections of a user, if the server's rules allow it. Otherwise as `publish`. */
  send(user: string, data?: unknown, options?: RequestOptions): Promise<Receipt>;

  /** Asks who is in a room. */
  presence(room: string, options?: RequestOptions): Promise<Presence>;

  /**
   * Connects now instead of later, or again after "closed"; the rooms are joined again. Nothing happens in the states
   * "open" and "connecting".
   */
  reconnect(): void;

  /** Ends the connection and makes no other. What waits is rejected with "closed", what is under way with "unknown". */
  close(): void;
}

/** A room that was joined, until it is left. */
export interface Room extends Listenable<RoomEvents> {
  readonly name: string;
  /**
   * The users in the room, oneself among them, at most 1,000; of the time of joining, or up to date if it was joined with
   * `presence`. Each change makes a new array. Without a connection they are those of before.
   */
  readonly users: readonly string[];
  /** There were others whom `users` does not list. */
  readonly more: boolean;
  /** Publishes to the room; see {@link Molva.publish}. */
  publish(data?: unknown, options?: PublishOptions): Promise<Receipt>;
  /** Leaves the room; its listeners hear nothing more from now on. Resolves once the server knows, and never rejects. */
  leave(): Promise<void>;
}

/**
 * - "connecting": until the server has said hello
 * - "open"
 * - "waiting": for the time of the next attempt, for the network, or for the page to come back
 * - "closed": for good, or until {@link Molva.reconnect}
 */
export type State = "connecting" | "open" | "waiting" | "closed";

export interface Listenable<Events> {
  /**
   * Calls a listener with each event of that name, until the function that it returns is called or the signal aborts. What
   * a listener throws becomes an uncaught error of the page, and keeps no other listener from being called.
   */
  on<Name extends keyof Events>(
    event: Name,
    listener: (event: Events[Name]) => void,
    options?: { signal?: AbortSignal },
  ): () => void;
}

export interface ClientEvents {
  /** The server has said hello. Rooms are being joined again. */
  open: Hello;
  /** A connection, or an attempt to get one, has ended. */
  close: CloseInfo;
  state: StateEvent;
  /** Any message: to a room, to the user, or to everyone. */
  message: Message;
  /** Somebody came to or left a room that was joined with `presence`, as far as one knows, during a lost connection, too. */
  presence: PresenceEvent;
  /** What nobody is waiting for went wrong, such as: there was no token, a room could not be joined again. */
  error: MolvaError;
}

export interface RoomEvents {
  message: Message;
  presence: PresenceEvent;
  /** After a reconnection the server did not let us in again. The room is left. */
  error: MolvaError;
}

export interface StateEvent {
  state: State;
  /** With "waiting": milliseconds until the next attempt; undefined while there is no network. */
  delay?: number;
}

export interface CloseInfo {
  /** The close code of the WebSocket: 1006 if there was none. What the server's mean is in docs/protocol.md. */
  code: number;
  reason: string;
  /** Whether the client comes back by itself. */
  retry: boolean;
}

export interface Hello {
  protocol: number;
  /** The id of this connection. */
  conn: string;
  /** The user's name, if there is one. */
  user?: string;
  limits: {
    /** Bytes in a message to the server; 0 for any number. */
    message: number;
    /** Rooms joined at a time. */
    rooms: number;
    /** Bytes in the name of a room or user. */
    name: number;
    /** Messages in a second, 0 for any number. The client keeps to it: what is too much waits. */
    rate: number;
  };
  /** The server's clock, in milliseconds since 1970. */
  time: number;
  /** When the token expires, by the server's clock. */
  expires?: number;
}

/** A message has one of `room`, `user` and `all`, as it was addressed. */
export interface Message<Data = any> {
  id: string;
  room?: string;
  /** What a message to a room is about, if whoever published it said so. */
  subject?: string;
  user?: string;
  all?: true;
  /** The user who published it; absent if it has no name or the application sent it. */
  from?: string;
  data: Data;
  /** In milliseconds since 1970. */
  time: number;
}

export interface PresenceEvent {
  room: string;
  event: "joined" | "left";
  user: string;
}

export interface Presence {
  /** Who is in the room, with how many connections (tabs). */
  users: { user: string; conns: number }[];
  /** There are others who are not listed. */
  more: boolean;
}

/** What became of what was sent. */
export interface Receipt {
  id: string;
  /** In milliseconds since 1970. */
  time: number;
  /** To how many connections it was sent. */
  reached: number;
}

export interface RequestOptions {
  /** Milliseconds that it may take, waiting for a connection included; default: as {@link Options.timeout}. */
  timeout?: number;
}

export interface PublishOptions extends RequestOptions {
  /** To receive it oneself, too. */
  echo?: boolean;
  /** What it is about: who cannot keep up gets the newest about each subject, where the server's rules say so. */
  subject?: string;
}

export interface JoinOptions extends RequestOptions {
  /** To be told who comes and goes. */
  presence?: boolean;
}

export interface Options {
  /**
   * A token, or what returns one: it is called for each connection and, if the server says that the token expires,
   * before it does. It goes into the URL as `token=`. If it throws, there is an "error" and the next attempt comes later.
   * If the server refuses a token, the next attempt has another one of the function. Where there is no function the client
   * is "closed": the same token would be refused again.
   */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>);
  /** The class to use, such as that of npm's ws in Node before 22; default: globalThis.WebSocket. */
  WebSocket?: new (url: string, protocols: string) => WebSocketLike;
  /** Milliseconds that a connection, an answer or a request may take; default 10,000. */
  timeout?: number;
  /** Milliseconds of silence after which it asks whether the connection lives, in a visible page; default 25,000. */
  heartbeat?: number;
  /** Requests that may wait to be sent; default 1,000. */
  queue?: number;
  /**
   * Returns how many milliseconds to wait before the next attempt after so many failures in a row; default: a random time
   * between 0 and min(30 s, 0.5 s × 2ⁿ).
   */
  backoff?: (failures: number) => number;
}

/** As much of a WebSocket as the client uses. */
export interface WebSocketLike {
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

/**
 * The codes of errors. The server's are in docs/protocol.md. The client's own:
 *
 * - "timeout": it was not sent, as there was no connection in time; or, of a join, there was no answer
 * - "unknown": it was sent, but no answer came before the connection broke or the time was up
 * - "closed": it was not sent, as the client is closed
 * - "denied": likewise, and the server does not let us in, or no longer; the message says why
 * - "queue_full": it was not sent, as too many wait already
 * - "too_large": it was not sent, as the server takes no message of that size
 * - "left": the room was left before it was joined
 * - "connect", "token": there was no token, or the browser forbids the connection; see `cause`
 */
export type ErrorCode =
  | "timeout" | "unknown" | "closed" | "denied" | "queue_full" | "too_large" | "left" | "connect" | "token"
  | "bad_json" | "bad_type" | "bad_field" | "bad_ack" | "too_many_rooms" | "not_joined" | "forbidden" | "too_fast"
  | "unsupported" | "busy"
  | (string & {});

/** What promises reject with, and what "error" events are. */
export class MolvaError extends Error {
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown });
  readonly code: ErrorCode;
  /** The room that could not be joined again, or that was left as it may not be joined any more, in an "error" event. */
  readonly room?: string;
  /** What the token function threw, or the WebSocket's constructor. */
  readonly cause?: unknown;
}

/**
 * Connects to a server, and stays connected until `close` is called or the server says to stay away. The URL is of scheme
 * ws, wss, http or https; in a page it may be relative to it, as in "/ws?user=42".
 *
 * Throws if the URL is none, or if there is no WebSocket to use.
 */
export function connect(url: string | URL, options?: Options): Molva;
