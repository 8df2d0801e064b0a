// What the parts of the page share. All text is set as text, never as HTML.

/** The elements of the page, by id. */
export const ui = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));

/** Makes an element: its properties, then what is in it. */
export function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

/** Somebody's or something's name, as it was given. */
export const name = (text) => make("b", { dir: "auto", textContent: text });

const clock = new Intl.DateTimeFormat([], { timeStyle: "medium" });

/** The time of day. */
export const timeOf = (ms) => make("time", { dateTime: new Date(ms).toISOString(), textContent: clock.format(ms) });

export const clockAt = (ms) => clock.format(ms);

/** "1 connection", "2 connections" */
export const count = (n, noun) => `${n.toLocaleString()} ${noun}${n === 1 ? "" : "s"}`;

/** Copies what a button stands beside, and says so on it. */
export async function copy(button, element) {
  let done = false;
  try {
    await navigator.clipboard.writeText(element.textContent);
    done = true;
  } catch {
    getSelection().selectAllChildren(element); // not by HTTP from another machine, but this may be possible there
    done = document.execCommand("copy");
  }
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  button.classList.toggle("done", done);
  clearTimeout(button.reset);
  button.reset = setTimeout(() => {
    button.textContent = "Copy";
    button.classList.remove("done");
  }, 2000);
}
