// What a call is to whoever is told of it, and how long it has been so.

import assert from "node:assert/strict";
import test from "node:test";

import { standingOf, stopwatch } from "../../../static/shared/calls.js";

const call = (more) => ({ way: "in", state: "waiting", since: null, here: false, ...more });

test("a row says what there is to do with it", () => {
  const standings = {
    rings: call({ state: "ringing" }),
    rung: call({ state: "ringing", way: "out" }),
    waits: call({ since: 1 }),
    late: call({}),
    held: call({ state: "held", since: 1 }),
    open: call({ state: "admitted" }),
    inside: call({ state: "admitted", here: true }),
    over: call({ state: "ended", here: true }),
  };
  for (const [standing, row] of Object.entries(standings)) assert.equal(standingOf(row), standing);
});

test("who waits is told also to whoever is in the room and looks elsewhere", () => {
  assert.equal(standingOf(call({ since: 1, here: true })), "waits");
  assert.equal(standingOf(call({ here: true })), "inside");
});

test("time passes as on a clock", () => {
  const shown = [-5, 0, 7_900, 754_000, 3_905_000].map(stopwatch);
  assert.deepEqual(shown, ["0:00", "0:00", "0:07", "12:34", "1:05:05"]);
});
