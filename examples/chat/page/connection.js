// A connection that comes back.

const firstDelay = 1000; // milliseconds before the second attempt; each later one waits twice as long …
const longestDelay = 20_000; // … up to this
const stableAfter = 5000; // a connection that held this long starts the count anew
const silenceLimit = 10_000; // without an answer for so long the network is considered dead

/**
 * Connection keeps a WebSocket open. Its states are "connecting", "online" (once the server has answered hello) and
 * "offline". It comes back by itself, later after each failure.
 */
export class Connection {
  /**
   * @param url      where to connect
   * @param hello    returns the first request, anew for each connection
   * @param received is called with each message of the server
   * @param changed  is called with each new state, and with when it tries again if that is "offline"
   */
  constructor(url, { hello, received, changed }) {
    Object.assign(this, { url, hello, received, changed });
    this.attempts = 0;
    addEventListener("online", () => this.retry());
    addEventListener("offline", () => this.#lost());
    this.#connect();
  }

  /** Sends a request and returns true, or returns false while not online. */
  send(request) {
    if (this.state !== "online") return false;
    this.#send(request);
    return true;
  }

  /** Connects now rather than later. */
  retry() {
    if (this.state === "offline") this.#connect();
  }

  #connect() {
    clearTimeout(this.timer);
    const socket = (this.socket = new WebSocket(this.url));
    this.#enter("connecting");
    this.#expectAnswer();
    socket.onopen = () => this.#send(this.hello());
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = () => this.#lost();
  }

  #send(request) {
    this.socket.send(JSON.stringify(request));
    this.#expectAnswer();
  }

  #receive(message) {
    clearTimeout(this.silence);
    this.silence = undefined;
    if (message.type === "welcome") {
      this.onlineSince = Date.now();
      this.#enter("online");
    }
    this.received(message);
  }

  // Every request has an answer. Where none comes, a browser would take minutes to notice.
  #expectAnswer() {
    this.silence ??= setTimeout(() => this.#lost(), silenceLimit);
  }

  // Not waiting for the socket to agree that it is closed: without a network that takes long, too.
  #lost() {
    const socket = this.socket;
    if (this.state === "offline") return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    clearTimeout(this.silence);
    this.silence = undefined;

    if (this.onlineSince && Date.now() - this.onlineSince > stableAfter) this.attempts = 0;
    this.onlineSince = undefined;
    const delay = Math.min(firstDelay * 2 ** this.attempts++, longestDelay);
    const jittered = delay * (0.5 + Math.random() / 2); // so that not everyone comes back in the same moment
    this.timer = setTimeout(() => this.#connect(), jittered);
    this.#enter("offline", Date.now() + jittered);
  }

  #enter(state, retryAt) {
    this.state = state;
    this.changed(state, retryAt);
  }
}
