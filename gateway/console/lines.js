// The lines by which an application says something to a user of this server.

import { copy, make, ui } from "./dom.js";

const message = "hi";

/** The snippets that are shown, each from { to, hints, key } to its text. */
const kinds = [
  ["In a terminal", inTerminal],
  ["With curl", withCurl],
  ["In PHP", inPHP],
];

const blocks = kinds.map(([title, write], i) => {
  const code = make("code", { id: `snippet-${i}` });
  const button = copyButton(code);
  button.ariaLabel = `Copy: ${title.toLowerCase()}`;
  ui.snippets.append(
    make("div", { className: "snippet" },
      make("div", { className: "head" }, make("h3", { textContent: title }), button),
      make("div", { className: "code" }, make("pre", { tabIndex: 0 }, code))));
  return { code, write };
});

for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", () => copy(button, ui[button.dataset.copies]));
}

function copyButton(code) {
  const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", () => copy(button, code));
  return button;
}

/** Writes the lines anew. */
export function showLines({ user, room, hints, key }) {
  const kind = ui.lines.querySelector("input[name=target]:checked").value;
  const to = { user: { user }, room: { room }, all: { all: true } }[kind];
  for (const { code, write } of blocks) setCode(code, write({ to, hints, key }));
  setCode(ui["empty-line"], inTerminal({ to: { user }, hints, key }));
  ui["empty-user"].textContent = ui["target-user"].textContent = user;
  ui["target-room"].textContent = room;
}

// A line that is too long for the page is not broken inside a word: "--user" has hyphens, but no place for a break.
function setCode(element, text) {
  const parts = text.split(/(\S+)/); // spaces and words by turns
  element.replaceChildren(...parts.map((part, i) => (i % 2 === 0 ? part : make("span", { textContent: part }))));
}

function inTerminal({ to, hints, key }) {
  const flag = to.all ? "--all" : to.user !== undefined ? option("--user", to.user) : option("--room", to.room);
  const where = hints.send ?? `molva send --url ${shell(location.origin)}`;
  const opens = hints.send && !hints.keyed ? "" : ` --key ${shell(key)}`;
  return `${where}${opens} ${flag} "${message}"`;
}

function withCurl({ to, key }) {
  const body = JSON.stringify({ ...to, message });
  return `curl -H 'Authorization: Bearer ${key}' \\\n  -d ${quoted(body)} \\\n  ${location.origin}/api/send`;
}

function inPHP({ to, hints, key }) {
  const field = ([name, value]) => `'${name}' => ${value === true ? "true" : php(value)}`;
  const fields = Object.entries({ ...to, message }).map(field).join(", ");
  if (hints.socket) {
    return `$molva = stream_socket_client(${php(`unix://${hints.socket}`)});\n` +
      `fwrite($molva, json_encode([${fields}]) . "\\n");\n` +
      "echo fgets($molva);";
  }
  return `echo file_get_contents(${php(`${location.origin}/api/send`)}, false, stream_context_create(['http' => [\n` +
    "    'method' => 'POST',\n" +
    `    'header' => 'Authorization: Bearer ${key}',\n` +
    `    'content' => json_encode([${fields}]),\n` +
    "]]));";
}

// A name is quoted for whoever pastes the line, who did not choose it.
const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text));
const option = (flag, name) => `${flag}${name.startsWith("-") ? "=" : " "}${shell(name)}`; // "-x" alone would be a flag
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const php = (text) => `'${text.replace(/['\\]/g, "\\$&")}'`;
