import { setImmediate } from "node:timers/promises";
import { replace } from "./replace.js";

/** Lets what is on its way between client and server arrive. */
export async function quiet() {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

/** Clock stands still but for what a test lets pass: Date.now and the timers follow it. */
export class Clock {
  #now = Date.now();
  #timers = new Set();

  constructor(t) {
    const clock = this;
    const clear = clearTimeout; // for timers from before, such as those of a socket that the last test has closed
    replace(t, "setTimeout", (ring, delay = 0) => clock.#set(ring, delay));
    replace(t, "clearTimeout", (timer) => void (clock.#timers.delete(timer) || clear(timer)));
    t.mock.method(Date, "now", () => clock.#now);
  }

  #set(ring, delay) {
    const timer = { ring, due: this.#now + Math.max(1, delay), unref: () => timer }; // Node's, too, take 1 ms at least
    this.#timers.add(timer);
    return timer;
  }

  /** Lets time pass as it does: each timer rings when it is due, and the network gets its turn. */
  async pass(ms) {
    const end = this.#now + ms;
    await quiet();
    for (let timer; (timer = this.#next(end)); ) {
      this.#now = Math.max(this.#now, timer.due);
      this.#ring(timer);
      await quiet();
    }
    this.#now = end;
  }

  /** Lets time pass as it does for who sleeps: timers ring when it is over, before anything of the network. */
  sleep(ms) {
    this.#now += ms;
    for (let timer; (timer = this.#next(this.#now)); ) this.#ring(timer);
  }

  /** Sets the clock to another time; the timers do not care. */
  jump(ms) {
    this.#now += ms;
    for (const timer of this.#timers) timer.due += ms;
  }

  #next(end) {
    const due = [...this.#timers].filter((timer) => timer.due <= end);
    return due.sort((a, b) => a.due - b.due)[0];
  }

  #ring(timer) {
    this.#timers.delete(timer);
    timer.ring();
  }
}
