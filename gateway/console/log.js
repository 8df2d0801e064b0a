// What arrived: messages, and lines about who came and went.

import { count, make, name, timeOf, ui } from "./dom.js";

const longest = 500; // entries that are kept on the page

/** Log is a list that follows its end for as long as that is in view. */
export class Log {
  #following = true;
  #end = 0; // how far down it was, when it was last brought into view
  #frame; // that will do so again
  #unseen = 0;
  #shown = new Set(); // ids of messages

  constructor() {
    ui.scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    ui.latest.addEventListener("click", () => this.#toEnd());
    const follow = () => this.#following && this.#toEnd();
    new ResizeObserver(follow).observe(ui.scroll);
    document.addEventListener("visibilitychange", follow);
  }

  /** Shows a message that has arrived. It returns false if it was shown already. */
  arrived(message, mine) {
    if (this.#shown.has(message.id)) return false;
    this.#note(message.id);
    this.#append(entry(message, mine), !mine);
    return true;
  }

  /** Shows something of one's own that is not answered yet. It returns what the answer is to be given to. */
  sending(message) {
    const item = entry({ ...message, time: Date.now() }, true);
    item.querySelector("time").remove();
    item.querySelector(".about").append("on its way…");
    this.#follow(() => ui.pending.append(item));
    return {
      answered: (answer) => {
        item.remove();
        if (!this.arrived({ ...message, ...answer }, true)) return;
        ui.messages.lastChild.querySelector(".about").append(reached(answer.reached));
      },
      refused: () => item.remove(),
    };
  }

  /** Shows a line: strings and names. */
  line(...content) {
    this.#append(make("li", { className: "event" }, ...content), false);
  }

  #note(id) {
    this.#shown.add(id);
    if (this.#shown.size > 2 * longest) this.#shown.delete(this.#shown.values().next().value);
  }

  #append(item, isNews) {
    this.#follow(() => {
      ui.messages.append(item);
      while (ui.messages.childElementCount > longest) ui.messages.firstChild.remove();
      if (item.className !== "event") ui.empty.hidden = true;
    });
    if (!isNews || this.#following) return;
    ui.latest.textContent = count(++this.#unseen, "new message");
    ui.latest.hidden = false;
  }

  // follow makes a change and keeps the end in view. It measures once in a frame, however many messages come in it.
  #follow(change) {
    change();
    if (!this.#following) return;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      if (this.#following) this.#toEnd();
    });
  }

  #toEnd() {
    this.#following = true;
    this.#end = ui.scroll.scrollHeight - ui.scroll.clientHeight;
    ui.scroll.scrollTop = this.#end;
  }

  // scrolled tells whether it was the reader who left the end, or the end that moved away.
  #scrolled() {
    const end = ui.scroll.scrollHeight - ui.scroll.clientHeight;
    const atEnd = end - ui.scroll.scrollTop < 40;
    if (!atEnd && this.#following && end !== this.#end) return this.#toEnd();
    this.#following = atEnd;
    if (!atEnd) return;
    this.#unseen = 0;
    ui.latest.hidden = true;
  }
}

function entry({ from, room, user, all, data, time }, mine) {
  const about = make("div", { className: "about" });
  const byName = (text) => make("b", { textContent: text });
  about.append(mine ? byName("you") : from === undefined ? byName("the application") : name(from));
  if (user !== undefined) about.append(make("span", { className: "mark" }, "to user ", name(user)));
  if (all) about.append(make("span", { className: "mark", textContent: "to everyone" }));
  const toRoom = room !== undefined && from === undefined && !mine; // else it goes without saying
  if (toRoom) about.append(make("span", { className: "mark" }, "to room ", name(room)));
  about.append(timeOf(time));
  const isText = typeof data === "string";
  const bubble = isText
    ? make("p", { className: "bubble", textContent: data })
    : make("p", { className: "bubble json", textContent: JSON.stringify(data, null, 2) });
  const item = make("li", { className: mine ? "message mine" : "message" }, about, bubble);
  item.dataset.to = all ? "all" : user !== undefined ? "user" : "room";
  return item;
}

function reached(n) {
  return n === 0 ? "reached nobody" : `reached ${count(n, "connection")}`;
}
