// The clock that tests cannot stop.
const { setTimeout, clearTimeout } = globalThis;

/** How long a test waits for what should come, in ms of the real clock. */
export const patience = 60_000;

/** Mailbox keeps what came until somebody takes it, or lets them wait. */
export class Mailbox {
  #items = [];
  #takers = [];

  put(item) {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  /** Takes the oldest. */
  take(what = "anything") {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), patience);
      this.#takers.push((item) => {
        clearTimeout(timer);
        resolve(item);
      });
    });
  }

  /** Takes all that came so far. */
  takeAll() {
    return this.#items.splice(0);
  }
}
