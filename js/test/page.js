import { replace } from "./replace.js";

/** Page is what a browser has around the module, as far as the module looks at it. */
export class Page {
  #window = new EventTarget();
  #document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  #navigator = { onLine: true };

  constructor(t, location = "http://molva.test/app/page.html#here") {
    replace(t, "location", { href: location });
    replace(t, "document", this.#document);
    replace(t, "navigator", this.#navigator);
    replace(t, "addEventListener", this.#window.addEventListener.bind(this.#window));
  }

  show() {
    this.#document.visibilityState = "visible";
    this.#document.dispatchEvent(new Event("visibilitychange"));
  }

  hide() {
    this.#document.visibilityState = "hidden";
    this.#document.dispatchEvent(new Event("visibilitychange"));
  }

  resume() {
    this.#document.dispatchEvent(new Event("resume"));
  }

  goOffline() {
    this.#navigator.onLine = false;
    this.#window.dispatchEvent(new Event("offline"));
  }

  goOnline() {
    this.#navigator.onLine = true;
    this.#window.dispatchEvent(new Event("online"));
  }

  /** The user goes elsewhere; the page is kept for the way back if persisted is true. */
  leave(persisted) {
    this.#window.dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
  }

  comeBack() {
    this.#window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  }
}
