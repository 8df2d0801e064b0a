// The chat: what comes from the server is shown, what the user types is sent. See protocol.go for the messages.

import { Connection } from "./connection.js";
import { Log, make, nameOf, portrait } from "./log.js";

const ui = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const log = new Log(ui);
const people = new Map(); // by ID, in the order they came
const unconfirmed = new Map(); // what was sent but not seen to arrive, by ref: { text, item }
const title = document.title;

let limits = { maxText: Infinity, maxName: Infinity };
let lastSeen = 0; // ID of the newest message shown
let me = recall(); // { id, name, key }, kept for this tab, so that a reload does not make somebody else of you
let unread = 0; // messages since the page was last visible
let noticeTimer;
let countdown;

const url = new URL("ws", location.href);
url.protocol = url.protocol.replace("http", "ws");
const connection = new Connection(url, {
  hello: () => ({ type: "hello", user: me.id, key: me.key, name: me.name, after: lastSeen }),
  received: (message) => receive[message.type]?.(message),
  changed: showConnection,
});

const receive = {
  welcome(message) {
    limits = message;
    me = { ...message.you, key: message.key };
    remember(me);
    people.clear();
    for (const person of message.people) people.set(person.id, person);
    showPeople();
    log.quietly(() => {
      if (message.gap) log.line(Date.now(), "More was said meanwhile than the room remembers.");
      message.messages.forEach(show);
    });
    for (const [ref, { text }] of unconfirmed) connection.send({ type: "say", text, ref });
  },

  said(message) {
    show(message);
    if (document.hidden && message.from.id !== me.id) document.title = `(${++unread}) ${title}`;
  },

  joined({ who, time }) {
    people.set(who.id, who);
    showPeople();
    log.line(time, nameOf(who), " is here");
  },

  left({ who, time }) {
    people.delete(who.id);
    showPeople();
    log.line(time, nameOf(who), " has left");
  },

  renamed({ who, was, time }) {
    people.set(who.id, who);
    if (who.id === me.id) {
      me = { ...me, ...who };
      remember(me);
      ui.naming.close();
    }
    showPeople();
    log.line(time, nameOf({ ...who, name: was }), " is now ", nameOf(who));
  },

  refused({ what, reason, wait, ref }) {
    if (what === "name") {
      ui["name-problem"].textContent = reason;
      return;
    }
    const refused = unconfirmed.get(ref);
    if (refused) {
      confirm(ref);
      ui.text.value = [refused.text, ui.text.value].filter(Boolean).join("\n");
      fitText();
    }
    notify(reason, wait);
  },
};

function show(message) {
  if (message.id <= lastSeen) return;
  lastSeen = message.id;
  const mine = unconfirmed.has(message.ref) || message.from.id === me.id;
  confirm(message.ref);
  log.said(message, mine);
}

function confirm(ref) {
  unconfirmed.get(ref)?.item.remove();
  unconfirmed.delete(ref);
}

// Sending. What cannot be sent stays where it was typed.

ui.composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = ui.text.value;
  if (text.trim() === "") return;
  const length = [...text].length;
  if (length > limits.maxText) return notify(`This message has ${length} characters, at most ${limits.maxText} are possible.`);
  const ref = crypto.getRandomValues(new Uint32Array(2)).join("-");
  if (!connection.send({ type: "say", text, ref })) {
    return notify("You are not connected. Your message stays here until you are back and send it.");
  }
  unconfirmed.set(ref, { text, item: log.onItsWay(text) });
  ui.text.value = "";
  notify("");
  fitText();
});

ui.text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ui.composer.requestSubmit();
});

ui.text.addEventListener("input", fitText);

function fitText() {
  ui.text.style.height = "auto";
  ui.text.style.height = `${ui.text.scrollHeight}px`;
  const left = limits.maxText - [...ui.text.value].length;
  ui.count.hidden = left > 100;
  ui.count.classList.toggle("over", left < 0);
  ui.count.textContent = left < 0 ? `${-left} too many` : `${left} left`;
}

function notify(text, wait = 0) {
  clearTimeout(noticeTimer);
  ui.notice.textContent = text;
  noticeTimer = setTimeout(() => (ui.notice.textContent = ""), Math.max(wait, 6000));
}

// Names.

ui.rename.addEventListener("click", () => {
  ui.name.value = isNamed() ? me.name : "";
  ui["name-problem"].textContent = "";
  ui.naming.showModal();
  ui.name.select();
});

ui["name-form"].addEventListener("submit", (event) => {
  event.preventDefault();
  ui["name-problem"].textContent = "";
  if (!connection.send({ type: "name", name: ui.name.value })) {
    ui["name-problem"].textContent = "You are not connected. Try again when you are back.";
  }
});

ui.cancel.addEventListener("click", () => ui.naming.close());

function isNamed() {
  return me.name !== undefined && !me.name.startsWith("user #");
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem("me")) ?? {};
  } catch {
    return {}; // storage is off, or holds something else
  }
}

function remember(user) {
  try {
    sessionStorage.setItem("me", JSON.stringify(user));
  } catch {
    // storage is off: a reload begins anew
  }
}

// Who is here, and whether we are.

function showPeople() {
  ui.me.textContent = me.name;
  ui.rename.textContent = isNamed() ? "change your name" : "choose a name";
  ui["how-many"].textContent = people.size;
  ui.list.replaceChildren(...[...people.values()].map((person) => {
    const item = make("li", {}, portrait(person), nameOf(person));
    if (person.id === me.id) item.append(make("span", { className: "you", textContent: "you" }));
    return item;
  }));
}

ui["show-people"].addEventListener("click", () => {
  const open = ui.people.classList.toggle("open");
  ui["show-people"].setAttribute("aria-expanded", open);
});

function showConnection(state, retryAt) {
  ui.connection.dataset.state = state;
  ui.state.textContent = { connecting: "Connecting…", online: "Online", offline: "Offline" }[state];
  ui.retry.hidden = state !== "offline";
  clearInterval(countdown);
  ui["retry-in"].textContent = "";
  if (state !== "offline") return;
  const count = () => (ui["retry-in"].textContent = `next try in ${Math.max(1, Math.ceil((retryAt - Date.now()) / 1000))} s`);
  count();
  countdown = setInterval(count, 250);
}

ui.retry.addEventListener("click", () => connection.retry());

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  document.title = title;
});
