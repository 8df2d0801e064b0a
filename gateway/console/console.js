// The page of molva serve: a chat between tabs, the lines to send from outside, and the console. It speaks to the
// server by the browser client like any page would.

import { connect } from "/molva.js";
import { make, name, ui } from "./dom.js";
import { counted, noFigures, showFigures } from "./figures.js";
import { known, learn } from "./hints.js";
import { showLines } from "./lines.js";
import { Log } from "./log.js";

const statsRoom = "$stats";
const log = new Log();

const query = new URLSearchParams(location.search);
const me = { user: query.get("user") || "42", room: query.get("room") || "lobby" };
let client;
let room; // the one on the page, once it is joined
let limits = { name: 128 };
let unread = 0;
let countdown;

// Who one is, and where. The address of the page says it, so that two tabs can be two users.

function enter() {
  const before = client;
  client = room = undefined; // what the one before says now is of no interest any more
  before?.close();
  const url = new URL("/ws", location.href);
  url.searchParams.set("user", me.user);
  const mine = (client = connect(url));
  const on = (event, listener) => mine.on(event, (value) => mine === client && listener(value));
  on("state", showState);
  on("open", opened);
  on("close", closed);
  on("message", arrived);
  on("presence", (change) => change.room === me.room && cameOrWent(change));
  on("error", (error) => notify(error.message));
  mine.join(me.room, { presence: true }).then(
    (joined) => {
      if (mine !== client) return;
      room = joined;
      showPeople();
    },
    (error) => mine === client && error.code !== "closed" && notify(`The room cannot be joined: ${error.message}`),
  );
  if (!ui.console.hidden) watchFigures();
  showWho();
}

function showWho() {
  const address = new URL(location.href);
  address.search = new URLSearchParams(me);
  history.replaceState(null, "", address);
  ui.user.value = me.user;
  ui.room.value = me.room;
  ui.change.hidden = true;
  const other = me.user === "7" ? "42" : "7";
  ui["another-user"].textContent = other;
  ui.another.href = `/?${new URLSearchParams({ ...me, user: other })}`;
  showTitle();
  showPeople();
  refreshLines();
}

function showTitle() {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${me.user} · molva`;
}

ui.identity.addEventListener("input", () => {
  ui.change.hidden = ui.user.value === me.user && ui.room.value === me.room;
  ui["identity-problem"].textContent = "";
});

ui.identity.addEventListener("submit", (event) => {
  event.preventDefault();
  const [user, inRoom] = [ui.user.value.trim(), ui.room.value.trim()];
  const problem = nameProblem("user", user) ?? nameProblem("room", inRoom);
  ui["identity-problem"].textContent = problem ?? "";
  if (problem) return;
  const changed = user !== me.user || inRoom !== me.room;
  [me.user, me.room] = [user, inRoom];
  if (!changed) return showWho();
  log.line("You are now user ", name(user), " in room ", name(inRoom));
  enter();
  document.activeElement.blur();
});

function nameProblem(what, text) {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes === 0) return `A ${what} needs a name.`;
  if (bytes > limits.name) return `The name of a ${what} has at most ${limits.name} bytes.`;
  if (/^\$|\p{Cc}/u.test(text)) return `The name of a ${what} does not begin with $, and is made of what can be seen.`;
  return undefined;
}

// The connection, as it is.

function showState({ state, delay }) {
  clearInterval(countdown);
  const shown = { connecting: "connecting", open: "online", waiting: "offline", closed: "ended" }[state];
  ui.connection.dataset.state = shown;
  const next = delay === undefined ? undefined : Date.now() + delay;
  const texts = { connecting: "Connecting…", online: "Connected", offline: "Not connected", ended: "Disconnected" };
  const text = texts[shown];
  if (ui.state.textContent !== text) ui.state.textContent = text;
  ui.retry.hidden = shown !== "offline" && shown !== "ended";
  ui.retry.textContent = shown === "ended" ? "Connect again" : "Try now";
  const seconds = () => Math.max(0, Math.ceil((next - Date.now()) / 1000));
  const waiting = () => (next === undefined ? "waiting for the network" : `next try in ${seconds()} s`);
  const tick = () => (ui["retry-in"].textContent = shown === "offline" ? waiting() : "");
  tick();
  if (next !== undefined) countdown = setInterval(tick, 250);
  noFigures(shown === "online" ? "The figures come once a second." : "Without a connection there are no new figures.");
  showPeople();
}

function opened(hello) {
  limits = hello.limits ?? limits;
  learn().then(refreshLines);
}

function closed({ code, reason, retry }) {
  if (retry) return;
  log.line(`The server ended the connection: ${reason || "no reason was given"} (${code})`);
}

ui.retry.addEventListener("click", () => {
  ui.text.focus();
  client.reconnect();
});

// Who is here.

function cameOrWent({ event, user }) {
  if (user !== me.user && event !== undefined) log.line(name(user), event === "joined" ? " is here" : " has left");
  showPeople();
}

function showPeople() {
  const online = client?.state === "open" && room !== undefined;
  const others = online ? room.users.filter((user) => user !== me.user) : [];
  const items = others.map((user) => {
    const button = make("button", { type: "button", className: "person", title: `Write to ${user}` }, name(user));
    button.addEventListener("click", () => {
      ui.to.value = `user:${user}`;
      ui.text.focus();
    });
    return make("li", {}, button);
  });
  const you = make("span", { className: "person" }, name(me.user), make("i", { textContent: "you" }));
  if (online) items.unshift(make("li", {}, you));
  ui.here.replaceChildren(...items);
  const unknown = "not known while there is no connection";
  ui["here-more"].textContent = !online ? unknown : room.more ? "and others" : "";
  ui.alone.hidden = !online || room.more || others.length > 0;
  showAddressees(others);
}

function showAddressees(others) {
  const chosen = ui.to.value;
  const option = (value, text) => make("option", { value, textContent: text });
  const users = [...others, me.user].map((user) => option(`user:${user}`, `user ${user}`));
  ui.to.replaceChildren(option("room", `room ${me.room}`), ...users);
  ui.to.value = chosen;
  if (ui.to.selectedIndex < 0) ui.to.value = "room";
}

// What is said.

function arrived(message) {
  if (message.room === statsRoom) return counted(message.time, message.data);
  if (!log.arrived(message, false) || !document.hidden) return;
  unread++;
  showTitle();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
});

ui.composer.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = ui.text.value;
  if (text.trim() === "") return;
  if (client.state !== "open") return notify("You are not connected. Your message stays here until you are.");
  const to = ui.to.value;
  const user = to.startsWith("user:") ? to.slice("user:".length) : undefined;
  const item = log.sending(user === undefined ? { room: me.room, data: text } : { user, data: text });
  ui.text.value = "";
  fitText();
  notify("");
  try {
    item.answered(await (user === undefined ? client.publish(me.room, text) : client.send(user, text)));
  } catch (error) {
    item.refused();
    notify(error.message);
    ui.text.value = [text, ui.text.value].filter(Boolean).join("\n");
    fitText();
  }
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
}

function notify(text) {
  ui.notice.textContent = text;
}

// The lines to copy.

function refreshLines() {
  showLines({ ...me, hints: known.hints, key: known.key ?? "KEY" });
  ui["key-note"].hidden = known.key !== undefined;
  ui["key-note"].textContent = known.hints.run
    ? "KEY is what molva serve printed. Open the page by the address that it printed, and it stands here."
    : "KEY is one of the keys that molva serve was given.";
  ui["open-note"].hidden = !known.hints.open;
  ui["open-note"].textContent = "This server is open: whoever can reach it may connect as any user.";
}

ui.lines.addEventListener("change", refreshLines);

const narrow = matchMedia("(max-width: 52rem)");
const unfold = () => (ui.lines.open = !narrow.matches);
narrow.addEventListener("change", unfold);
unfold();

// The two views.

let watching; // the client that is in $stats

function watchFigures() {
  if (watching === client) return;
  const mine = (watching = client);
  mine.join(statsRoom).catch((error) => {
    if (mine !== client || error.code === "closed") return;
    watching = undefined;
    noFigures(`The server does not show its figures: ${error.message}`);
  });
}

function showView() {
  const isConsole = location.hash === "#console";
  ui.chat.hidden = isConsole;
  ui.console.hidden = !isConsole;
  ui["to-chat"].ariaCurrent = isConsole ? null : "page";
  ui["to-console"].ariaCurrent = isConsole ? "page" : null;
  if (!isConsole) return;
  watchFigures();
  showFigures();
}

addEventListener("hashchange", showView);

enter();
showView();
