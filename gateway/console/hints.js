// What the page knows of the server that the lines on it need: how they begin, and the key. It is not the server that
// tells the key: it stands in the address that was printed, behind the #, which browsers keep to themselves.

const store = "molva.key";

/** hints is what the server says of itself; key is undefined if the page was not opened with it. */
export const known = {
  hints: {},
  key: new URLSearchParams(location.hash.slice(1)).get("key") ?? undefined,
};

let keyRun; // the run of the server that the key is of

/** Asks the server for its hints. */
export async function learn() {
  try {
    const response = await fetch("/console/hints.json", { cache: "no-store" });
    if (response.ok) known.hints = await response.json();
  } catch {
    return; // the next connection will bring them
  }
  if (known.hints.run) keepKey(known.hints.run);
}

// keepKey shares the key with other tabs and outlives a reload. A server that was started again has made another one.
function keepKey(run) {
  try {
    const kept = JSON.parse(localStorage.getItem(store));
    const { key } = known;
    if (key === undefined && kept?.run === run) known.key = kept.key;
    else if (key !== undefined && keyRun === undefined) localStorage.setItem(store, JSON.stringify({ run, key }));
  } catch {} // without a store a reload forgets it
  if (keyRun !== undefined && keyRun !== run) known.key = undefined;
  keyRun = run;
  if (location.hash.startsWith("#key=")) history.replaceState(null, "", location.pathname + location.search);
}
