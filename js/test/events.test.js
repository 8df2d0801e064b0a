import assert from "node:assert/strict";
import { test } from "node:test";
import { pair } from "./setup.js";

let count = 0;

/** Something happens, and all listeners have been called. */
async function happen({ molva, peer }) {
  const happened = new Promise((resolve) => molva.on("message", resolve));
  peer.say({ type: "message", id: `${++count}`, all: true, data: count, time: count });
  await happened;
}

test("a listener is called until it is off", async (t) => {
  const both = await pair(t);
  const seen = [];
  const off = both.molva.on("message", () => seen.push(1));
  await happen(both);
  off();
  off();
  await happen(both);
  assert.deepEqual(seen, [1]);
});

test("a listener is called until the signal aborts", async (t) => {
  const both = await pair(t);
  const seen = [];
  const controller = new AbortController();
  both.molva.on("message", () => seen.push(1), { signal: controller.signal });
  await happen(both);
  controller.abort();
  await happen(both);
  both.molva.on("message", () => seen.push(2), { signal: controller.signal });
  await happen(both);
  assert.deepEqual(seen, [1]);
});

test("one function may listen twice", async (t) => {
  const both = await pair(t);
  const seen = [];
  const listener = () => seen.push(1);
  const off = both.molva.on("message", listener);
  both.molva.on("message", listener);
  await happen(both);
  off();
  await happen(both);
  assert.deepEqual(seen, [1, 1, 1]);
});

test("what a listener throws is reported and breaks nothing", async (t) => {
  const both = await pair(t);
  const reported = [];
  const seen = [];
  both.molva.on("message", () => {
    throw new Error("mine");
  });
  both.molva.on("message", () => seen.push(1));
  t.mock.method(globalThis, "queueMicrotask", (report) => reported.push(report));
  await happen(both);
  assert.deepEqual(seen, [1]);
  assert.throws(reported[0], /mine/);
  assert.equal(both.molva.state, "open");
});

test("listeners may come and go meanwhile", async (t) => {
  const both = await pair(t);
  const seen = [];
  both.molva.on("message", () => {
    off();
    both.molva.on("message", () => seen.push("new"));
  });
  const off = both.molva.on("message", () => seen.push("old"));
  await happen(both);
  assert.deepEqual(seen, []);
  await happen(both);
  assert.deepEqual(seen, ["new"]);
});

test("names that every object has are events like others", async (t) => {
  const { molva } = await pair(t);
  for (const name of ["constructor", "toString", "__proto__"]) molva.on(name, () => {})();
});
