// What the room shows: messages, lines about who came and went, and who is here. All text is set as text, never as HTML.

const clock = new Intl.DateTimeFormat([], { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const together = 5 * 60_000; // messages of one person within this time are shown as one turn
const longest = 1000; // entries that are kept on the page

/** Makes an element: its properties, then what is in it. */
export function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

/** A person's name in their colour. */
export function nameOf(person) {
  return tinted(make("b", { className: "name", dir: "auto", textContent: person.name }), person);
}

/** A person's initial on their colour. The unnamed have their number. */
export function portrait(person) {
  const name = person.name.replace(/^user #/, "");
  const initial = new Intl.Segmenter().segment(name)[Symbol.iterator]().next().value?.segment ?? "";
  const text = name === String(person.id) ? name : initial.toUpperCase();
  const element = make("span", { className: "portrait", textContent: text });
  element.setAttribute("aria-hidden", "true");
  return tinted(element, person);
}

// The golden angle keeps the colours of neighbours far apart.
function tinted(element, person) {
  element.style.setProperty("--hue", Math.round(person.id * 137.508) % 360);
  return element;
}

/** Log is the scrolling list of all that was said and happened. It follows its end only while that is in view. */
export class Log {
  constructor({ scroll, log, messages, pending, latest, empty }) {
    Object.assign(this, { scroll, log, messages, pending, latest, empty });
    this.unseen = 0;
    scroll.addEventListener("scroll", () => this.#atEnd() && this.#seen(), { passive: true });
    latest.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.following && this.toEnd()).observe(scroll);
    this.following = true;
  }

  /** Shows a message. */
  said(message, mine) {
    this.#follow(() => {
      const goesOn = this.turn?.id === message.from.id && this.turn.name === message.from.name &&
        message.time - this.turn.time < together && !this.#isNewDay(message.time);
      if (!goesOn) this.#beginTurn(message, mine);
      this.turn.time = message.time;
      this.turn.bubbles.append(bubble(message.text, message.time));
      this.empty.hidden = true;
    }, !mine);
  }

  /** Shows a line about the room: strings and names. */
  line(time, ...content) {
    this.#follow(() => {
      this.#day(time);
      this.turn = undefined;
      this.#append(make("li", { className: "line" }, ...content));
    });
  }

  /** Shows what was sent but is not confirmed; the element returned is to be removed then. */
  onItsWay(text) {
    const item = make("li", { className: "turn mine" }, make("div", { className: "bubbles" }, bubble(text)));
    this.pending.append(item);
    this.empty.hidden = true;
    this.toEnd();
    return item;
  }

  /** Does several changes that are not news to a screen reader. */
  quietly(change) {
    this.log.setAttribute("aria-busy", "true");
    this.#follow(change);
    this.log.removeAttribute("aria-busy");
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.#seen();
  }

  #beginTurn(message, mine) {
    this.#day(message.time);
    const bubbles = make("div", { className: "bubbles" });
    const item = make("li", { className: mine ? "turn mine" : "turn" });
    if (mine) item.append(make("span", { className: "unseen", textContent: "You:" }));
    else item.append(portrait(message.from), nameOf(message.from));
    item.append(bubbles);
    this.#append(item);
    this.turn = { ...message.from, bubbles };
  }

  #append(item) {
    this.messages.append(item);
    while (this.messages.childElementCount > longest) this.messages.firstElementChild.remove();
  }

  #isNewDay(time) {
    return this.day !== undefined && this.day !== calendar.format(time);
  }

  #day(time) {
    const today = calendar.format(Date.now());
    const day = calendar.format(time);
    if (this.day === day) return;
    const first = this.day === undefined;
    this.day = day;
    if (!first || day !== today) this.#append(make("li", { className: "day", textContent: day === today ? "Today" : day }));
  }

  // Changes the list and stays at its end, if that is where the reader was; else counts what was missed.
  #follow(change, isNews = false) {
    change();
    if (this.following) return this.toEnd();
    if (isNews) this.unseen++;
    this.#showUnseen();
  }

  #atEnd() {
    this.following = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 40;
    this.#showUnseen();
    return this.following;
  }

  #seen() {
    this.following = true;
    this.unseen = 0;
    this.#showUnseen();
  }

  #showUnseen() {
    this.latest.hidden = this.following;
    this.latest.textContent = this.unseen === 0 ? "To the latest" : this.unseen === 1 ? "1 new message" : `${this.unseen} new messages`;
  }
}

function bubble(text, time) {
  const element = make("p", { className: "bubble" }, make("span", { className: "text", dir: "auto", textContent: text }));
  if (time === undefined) element.append(make("span", { className: "when", textContent: "sending…" }));
  else element.append(make("time", { className: "when", dateTime: new Date(time).toISOString(), textContent: clock.format(time) }));
  return element;
}
