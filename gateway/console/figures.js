// The console: what the server counts, from the messages of the room $stats.

import { clockAt, make, ui } from "./dom.js";
import { Plot, trim } from "./plots.js";

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat([], { notation: "compact", maximumFractionDigits: 1 });
const number = (n) => (Math.abs(n) < 100_000 ? whole.format(Math.round(n)) : short.format(n));

const samples = []; // { time, stats }

const plots = [
  new Plot("Messages a second", samples, [
    { label: "sent", of: ({ stats }) => stats.rates?.messages_out ?? 0 },
    { label: "received", of: ({ stats }) => stats.rates?.messages_in ?? 0 },
  ], number, 10),
  new Plot("Connections", samples, [
    { label: "connections", of: ({ stats }) => stats.conns ?? 0 },
    { label: "users", of: ({ stats }) => stats.users ?? 0 },
  ], number, 5),
  new Plot("Commands a second", samples, [
    { label: "commands", of: ({ stats }) => stats.rates?.commands ?? 0 },
  ], number, 10),
  new Plot("Waiting in outboxes", samples, [
    { label: "for clients to take it", of: ({ stats }) => stats.queued ?? 0 },
  ], bytes, 1000),
];
ui.plots.append(...plots.map((plot) => plot.element));

const tiles = [
  ["Rooms", (stats) => number(stats.rooms ?? 0)],
  ["Messages sent", (stats) => number(stats.messages_out ?? 0)],
  ["Messages received", (stats) => number(stats.messages_in ?? 0)],
  ["Traffic out", (stats) => bytes(stats.bytes_out ?? 0)],
  ["Traffic in", (stats) => bytes(stats.bytes_in ?? 0)],
  ["Running for", (stats) => duration(stats.uptime ?? 0)],
].map(([title, of]) => {
  const value = make("dd");
  ui.tiles.append(make("div", {}, make("dt", { textContent: title }), value));
  return { value, of };
});

/** Notes what the server has counted. */
export function counted(time, stats) {
  if (samples.length > 0 && time < samples.at(-1).time) samples.length = 0; // the clock was set back
  samples.push({ time, stats });
  trim(samples);
  ui.silent.hidden = true;
  ui.figures.classList.remove("stale");
  showFigures();
}

/** Says why there are no figures. */
export function noFigures(why) {
  const last = samples.at(-1);
  ui.silent.textContent = last ? `${why} These are of ${clockAt(last.time)}.` : why;
  ui.silent.hidden = false;
  ui.silent.classList.toggle("banner", last !== undefined);
  ui.figures.classList.toggle("stale", last !== undefined);
}

/** Draws the figures if anybody can see them. */
export function showFigures() {
  if (samples.length === 0 || ui.console.hidden || document.hidden) return;
  ui.figures.hidden = false;
  const { stats } = samples.at(-1);
  for (const plot of plots) plot.draw();
  for (const { value, of } of tiles) value.textContent = of(stats);
  showTable("rooms", (stats.top ?? []).map(({ room, conns, users }) => [room, number(conns), number(users)]));
  showTable("turned", reasons(stats));
}

document.addEventListener("visibilitychange", showFigures);

// What the server counts under these names, to who was refused and to who was too slow.
const refusals = {
  request: "no correct handshake",
  origin: "a page from elsewhere",
  total: "too many connections",
  addr: "too many connections from one address",
  rate: "too many handshakes from one address",
  upgrade: "may not come in",
  timeout: "the handshake took too long",
  too_large: "the handshake was too large",
  shutdown: "the server was stopping",
  failed: "the server could not answer",
};
const slownesses = {
  closed: "disconnected, the outbox being full",
  stalled: "disconnected, having taken nothing",
  refused: "messages refused",
  dropped: "messages dropped",
  latest: "messages replaced by newer ones",
};

function reasons({ refused, slow }) {
  const rows = [["Refused", refused, refusals], ["Too slow", slow, slownesses]].flatMap(([what, by, meanings]) =>
    Object.entries(by ?? {}).map(([reason, n]) => [`${what}: ${meanings[reason] ?? reason}`, n]));
  return rows.filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]).map(([reason, n]) => [reason, number(n)]);
}

function showTable(id, rows) {
  ui[id].hidden = rows.length === 0;
  ui[`${id}-empty`].hidden = rows.length > 0;
  const cell = (text, i) => make("td", { textContent: text, ...(i > 0 ? { className: "number" } : { dir: "auto" }) });
  ui[`${id}-body`].replaceChildren(...rows.map((cells) => make("tr", {}, ...cells.map(cell))));
}

function bytes(n) {
  let unit = 0;
  for (; n >= 1000 && unit < 4; unit++) n /= 1000;
  const amount = unit > 0 && n < 100 ? n.toFixed(1).replace(/\.0$/, "") : Math.round(n);
  return `${amount} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
}

function duration(seconds) {
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
