// A page and its conversation, against a server that loses, refuses, stops and forgets.

import assert from "node:assert/strict";
import test from "node:test";

import { Browser, World, settle } from "./world.mjs";

const kinds = (frames) => frames.map((frame) => frame.kind ?? frame.t);

async function carol() {
  const world = new World();
  const browser = new Browser(world);
  const page = await browser.open();
  page.live.join("c");
  await settle();
  return { world, browser, page, server: world.server };
}

test("what is there comes with joining, and what is said after it at once", async () => {
  const world = new World();
  world.server.say("c", "before");
  const page = await new Browser(world).open();
  page.live.join("c");
  await settle();
  world.server.say("c", "after");
  await settle();
  assert.deepEqual(page.texts("c"), ["before", "after"]);
  assert.deepEqual(page.of("event").map((event) => event.seq), [1, 2]);
  assert.equal(page.of("caught").length, 1);
});

test("what is sent shows as waiting, then as an event, once", async () => {
  const { page, server } = await carol();
  page.live.send("c", "text", { text: "Hello" });
  assert.deepEqual(page.live.pending("c").map((item) => item.body.text), ["Hello"]);
  await settle();
  assert.deepEqual(page.live.pending("c"), []);
  assert.deepEqual(page.texts("c"), ["Hello"]);
  assert.equal(server.log("c").length, 1);
  assert.equal(page.of("event").length, 1);
});

test("a gap is fetched", async () => {
  const { page, server } = await carol();
  server.losing = (frame) => frame.t === "event" && frame.seq === 1;
  server.say("c", "one");
  server.losing = () => false;
  server.say("c", "two");
  await settle();
  assert.deepEqual(server.sent("fetch"), [{ t: "fetch", c: "c", after: 0 }]);
  assert.deepEqual(page.of("event").map((event) => event.seq), [1, 2]);
});

test("a beat reveals what was lost in silence", async () => {
  const { page, server } = await carol();
  server.losing = (frame) => frame.t === "event";
  server.say("c", "lost");
  server.losing = () => false;
  await page.ticks(30);
  assert.deepEqual(page.texts("c"), ["lost"]);
});

test("duplicates are heard once", async () => {
  const { page, server } = await carol();
  const event = server.say("c", "once");
  for (let n = 0; n < 3; n++) server.tell(server.open[0], { t: "event", ...event });
  await settle();
  assert.equal(page.of("event").length, 1);
});

test("an ack that is lost is asked for again, with the same id", async () => {
  const { page, server } = await carol();
  server.losing = (frame) => frame.t === "ack";
  page.live.send("c", "text", { text: "Hello" });
  await settle();
  server.losing = () => false;
  await page.ticks(30);
  const ids = server.sent("send").map((frame) => frame.id);
  assert.ok(ids.length >= 2);
  assert.equal(new Set(ids).size, 1);
  assert.equal(server.log("c").length, 1);
  assert.deepEqual(page.live.pending("c"), []);
});

test("what waits is sent in order, one at a time, when there is a server again", async () => {
  const { world, page, server } = await carol();
  server.up = false;
  server.end(server.open[0], 1006);
  for (const text of ["one", "two", "three"]) page.live.send("c", "text", { text });
  await world.pass(60_000);
  assert.equal(page.live.pending("c").length, 3);
  server.up = true;
  await world.pass(60_000);
  assert.deepEqual(server.log("c").map((event) => event.body.text), ["one", "two", "three"]);
  assert.deepEqual(page.texts("c"), ["one", "two", "three"]);
});

test("the outbox outlives the page", async () => {
  const { world, browser, page, server } = await carol();
  server.up = false;
  server.end(server.open[0], 1006);
  const { id } = page.live.send("c", "text", { text: "Do not lose me" });
  await settle();
  page.live.stop();
  server.up = true;
  const again = await browser.open();
  await world.pass(1000);
  assert.deepEqual(server.log("c").map((event) => [event.id, event.body.text]), [[id, "Do not lose me"]]);
  assert.equal(browser.items.size, 0);
  again.live.join("c");
  await settle();
  assert.deepEqual(again.texts("c"), ["Do not lose me"]);
});

test("what nobody could send for a week is forgotten", async () => {
  const { world, browser, page, server } = await carol();
  server.up = false;
  server.end(server.open[0], 1006);
  page.live.send("c", "text", { text: "old" });
  await settle();
  page.live.stop();
  world.now += 8 * 86_400_000;
  const again = await browser.open();
  assert.deepEqual(again.live.pending("c"), []);
  assert.equal(browser.items.size, 0);
});

test("a refusal for now is tried again, one for good shows as failed and holds up nobody", async () => {
  const { world, page, server } = await carol();
  server.refusing = ({ body }) => (body.text === "busy" ? { code: "unavailable", again: 1000 } : body.text === "bad" ? { code: "too-long" } : null);
  page.live.send("c", "text", { text: "busy" });
  const bad = page.live.send("c", "text", { text: "bad" });
  page.live.send("c", "text", { text: "good" });
  await settle();
  assert.equal(server.log("c").length, 0); // in order: the first first
  server.refusing = ({ body }) => (body.text === "bad" ? { code: "too-long" } : null);
  await world.pass(1000);
  assert.deepEqual(page.texts("c"), ["busy", "good"]);
  assert.deepEqual(page.live.pending("c").map((item) => item.failed), ["too-long"]);
  server.refusing = () => null;
  page.live.settle(bad.id, "retry");
  await settle();
  assert.deepEqual(page.texts("c"), ["busy", "good", "bad"]);
  const other = page.live.send("c", "text", { text: "never mind" });
  page.live.settle(other.id, "discard");
  assert.deepEqual(page.live.pending("c"), []);
});

test("what the server cannot read is given up the second time", async () => {
  const { world, page, server } = await carol();
  server.refusing = ({ body }) => (body.text === "poison" ? "unreadable" : null);
  page.live.send("c", "text", { text: "poison" });
  page.live.send("c", "text", { text: "good" });
  await world.pass(60_000);
  assert.deepEqual(page.texts("c"), ["good"]);
  assert.deepEqual(page.live.pending("c").map((item) => item.failed), ["unreadable"]);
  assert.equal(page.live.status.state, "open");
});

test("another epoch: what is shown is forgotten, comes anew, and one's own words since are said again", async () => {
  const { world, page, server } = await carol();
  server.say("c", "kept");
  await settle();
  page.live.send("c", "text", { text: "said since the copy" });
  await settle();
  server.epoch = "second";
  server.logs.set("c", server.log("c").slice(0, 1));
  server.end(server.open[0], 1012);
  await world.pass(5000);
  assert.deepEqual(page.of("reset"), [{ c: "c" }]);
  assert.deepEqual(page.texts("c"), ["kept", "said since the copy"]);
  assert.deepEqual(server.log("c").map((event) => event.body.text), ["kept", "said since the copy"]);
});

test("a reconnect resumes from the cursor", async () => {
  const { world, page, server } = await carol();
  server.say("c", "one");
  await settle();
  server.end(server.open[0], 4409);
  server.say("c", "two");
  await world.pass(2000);
  assert.deepEqual(server.sent("hello").at(-1).have, { c: 1 });
  assert.deepEqual(page.of("event").map((event) => event.seq), [1, 2]);
});

test("of marks only the furthest is sent, and again when it was lost", async () => {
  const { world, page, server } = await carol();
  for (const text of ["one", "two", "three"]) server.say("c", text);
  await settle();
  page.live.mark("c", "seen", 2);
  page.live.mark("c", "seen", 2);
  page.live.mark("c", "seen", 1);
  await settle();
  assert.deepEqual(server.log("c").slice(3).map((event) => [event.kind, event.body.seq]), [["seen", 2]]);
  server.losing = (frame) => frame.t === "ack";
  page.live.mark("c", "seen", 3);
  await settle();
  server.losing = () => false;
  server.end(server.open[0], 1006);
  await world.pass(2000);
  assert.deepEqual(kinds(server.log("c").slice(3)), ["seen", "seen"]);
  assert.equal(page.live.ledger("c").marks.customer.seen, 3);
});

test("a foreign conversation is told as unknown and asked for no more", async () => {
  const { page, world, server } = await carol();
  page.live.join("foreign");
  await settle();
  assert.deepEqual(page.of("unknown").map((frame) => frame.c), ["foreign"]);
  server.end(server.open[0], 1006);
  await world.pass(2000);
  assert.deepEqual(Object.keys(server.sent("hello").at(-1).have), ["c"]);
});
