// A conversation as a browser knows it.

import assert from "node:assert/strict";
import test from "node:test";

import { Ledger } from "../../../static/shared/ledger.js";

const event = (seq, more = {}) => ({ c: "c", seq, at: 0, by: "adviser:1", id: `${seq}`, kind: "text", body: { text: `${seq}` }, ...more });
const seqs = (events) => events.map((one) => one.seq);

test("events out of order are given in order, each once", () => {
  const ledger = new Ledger();
  assert.deepEqual(seqs(ledger.take(event(2))), []);
  assert.equal(ledger.gap, true);
  assert.deepEqual(seqs(ledger.take(event(4))), []);
  assert.deepEqual(seqs(ledger.take(event(1))), [1, 2]);
  assert.deepEqual(seqs(ledger.take(event(1))), []);
  assert.deepEqual(seqs(ledger.take(event(2))), []);
  assert.equal(ledger.cursor, 2);
  assert.deepEqual(seqs(ledger.take(event(3))), [3, 4]);
  assert.equal(ledger.gap, false);
  assert.deepEqual(seqs(ledger.events), [1, 2, 3, 4]);
});

test("edits and withdrawals show as they are now", () => {
  const ledger = new Ledger();
  for (const one of [
    event(1),
    event(2),
    event(3, { kind: "edit", body: { seq: 1, text: "better" } }),
    event(4, { kind: "withdraw", body: { seq: 2 } }),
    event(5, { kind: "edit", body: { seq: 99, text: "of nothing" } }),
  ]) ledger.take(one);
  const [first, second] = [...ledger.messages.values()];
  assert.deepEqual([first.text, first.edited, first.withdrawn], ["better", true, false]);
  assert.deepEqual([second.text, second.withdrawn], ["", true]);
});

test("how far a message has come never goes back", () => {
  const ledger = new Ledger();
  const own = event(1, { by: "customer" });
  ledger.take(own);
  assert.equal(ledger.reached(own), "sent");
  ledger.take(event(2, { kind: "got", body: { seq: 1 } }));
  assert.equal(ledger.reached(own), "delivered");
  ledger.take(event(3, { kind: "seen", body: { seq: 1 } }));
  assert.equal(ledger.reached(own), "seen");
  ledger.take(event(4, { kind: "seen", body: { seq: 0 } }));
  ledger.take(event(5, { kind: "got", body: { seq: 1 } }));
  assert.equal(ledger.reached(own), "seen");
  assert.equal(ledger.lastHeard("customer"), 0);
});

test("a mark is sent only when it says more", () => {
  const ledger = new Ledger();
  ledger.take(event(1));
  ledger.take(event(2));
  assert.equal(ledger.lastHeard("customer"), 2);
  assert.equal(ledger.marksMore("customer", "got", 2), true);
  ledger.take(event(3, { by: "customer", kind: "seen", body: { seq: 2 } }));
  assert.equal(ledger.marksMore("customer", "got", 2), false);
  assert.equal(ledger.marksMore("customer", "seen", 2), false);
});

test("a call that nobody answered is a message of who rang", () => {
  const ledger = new Ledger();
  const call = (seq, what, by) => event(seq, { by: "system", kind: "call", body: { call: "x", what, medium: "video", by } });
  ledger.take(call(1, "missed", "customer"));
  ledger.take(call(2, "declined", "adviser:1"));
  ledger.take(call(3, "started", "customer"));
  assert.equal(ledger.lastHeard("adviser:2"), 1);
  assert.equal(ledger.lastHeard("customer"), 2);
  ledger.take(event(4, { by: "system", kind: "callback", body: { call: "x", phone: "1" } }));
  assert.equal(ledger.lastHeard("adviser:2"), 4);
  assert.equal(ledger.lastHeard("customer"), 2);
});

test("what is internal is a number and nothing else", () => {
  const ledger = new Ledger();
  ledger.take(event(1, { kind: "hidden", by: "system", body: null }));
  assert.equal(ledger.cursor, 1);
  assert.equal(ledger.messages.size, 0);
});
