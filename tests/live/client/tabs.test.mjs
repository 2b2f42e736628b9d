// Several pages of one browser: one leads and has the socket, the others live by what it tells them.

import assert from "node:assert/strict";
import test from "node:test";

import { Browser, World, settle } from "./world.mjs";

async function two(more = {}) {
  const world = new World();
  const browser = new Browser(world, more);
  const first = await browser.open();
  const second = await browser.open();
  for (const page of [first, second]) page.live.join("c");
  await settle();
  return { world, browser, first, second, server: world.server };
}

test("there is one socket, and both pages hear everything once", async () => {
  const { first, second, server } = await two();
  server.say("c", "to both");
  await settle();
  assert.equal(server.open.length, 1);
  assert.deepEqual([first.live.leads, second.live.leads], [true, false]);
  for (const page of [first, second]) {
    assert.deepEqual(page.texts("c"), ["to both"]);
    assert.equal(page.of("event").length, 1);
  }
});

test("what one page sends shows in both and is stored once", async () => {
  const { first, second, server } = await two();
  second.live.send("c", "text", { text: "from the second" });
  assert.equal(second.live.pending("c").length, 1);
  await settle();
  assert.equal(server.log("c").length, 1);
  for (const page of [first, second]) {
    assert.deepEqual(page.texts("c"), ["from the second"]);
    assert.deepEqual(page.live.pending("c"), []);
  }
});

test("when the leader closes, another takes over and what waited is sent", async () => {
  const { world, first, second, server } = await two();
  server.up = false;
  server.end(server.open[0], 1006);
  second.live.send("c", "text", { text: "waiting" });
  await settle();
  server.up = true;
  first.live.stop();
  await world.pass(5000);
  assert.equal(second.live.leads, true);
  assert.equal(server.open.length, 1);
  assert.deepEqual(server.log("c").map((event) => event.body.text), ["waiting"]);
  assert.deepEqual(second.texts("c"), ["waiting"]);
});

test("a leader put to sleep is replaced by a page that is looked at, and follows when it wakes", async () => {
  const { world, first, second, server } = await two();
  second.visible = true;
  await second.ticks(20); // the first one's timers stand still
  assert.equal(second.live.leads, true);
  server.say("c", "after the change");
  await settle();
  assert.deepEqual(second.texts("c"), ["after the change"]);
  await first.ticks(5);
  assert.equal(first.live.leads, false);
  assert.equal(server.open.length, 1);
  await world.pass(1000);
  assert.deepEqual(first.texts("c"), ["after the change"]);
});

test("a hidden page does not take over", async () => {
  const { second } = await two();
  second.visible = false;
  await second.ticks(60);
  assert.equal(second.live.leads, false);
});

test("a page that comes later is told what came before, and who is there", async () => {
  const { browser, server } = await two();
  server.say("c", "before");
  server.tell(server.open[0], { t: "presence", what: "site:", state: "available" });
  await settle();
  const third = await browser.open();
  third.live.join("c");
  await settle();
  assert.deepEqual(third.texts("c"), ["before"]);
  assert.deepEqual(third.of("presence").map((frame) => frame.state), ["available"]);
  assert.equal(third.live.status.state, "open");
});

test("calls are heard on every page, and one that comes later is told the latest of them", async () => {
  const { browser, first, second, server } = await two();
  for (const calls of [[{ call: "a", state: "ringing" }], [{ call: "a", state: "admitted" }]]) {
    server.tell(server.open[0], { t: "calls", calls, now: 1 });
    await settle();
  }
  const third = await browser.open();
  const heard = (page) => page.of("calls").map(({ calls }) => calls[0].state);
  assert.deepEqual([first, second, third].map(heard), [["ringing", "admitted"], ["ringing", "admitted"], ["admitted"]]);
});

test("somebody looks as long as any page is looked at", async () => {
  const { first, second, server } = await two();
  first.visible = false;
  second.visible = true;
  second.live.touched(true);
  for (let n = 0; n < 6; n++) {
    await second.ticks(5);
    first.live.tick();
    await settle();
  }
  assert.equal(server.sent("beat").at(-1).on, true);
  second.visible = false;
  second.live.touched(false);
  await settle();
  assert.equal(server.sent("beat").at(-1).on, false);
});

test("where there are no locks every page leads itself", async () => {
  const { first, second, server } = await two({ locks: false });
  server.say("c", "to both");
  await settle();
  assert.equal(server.open.length, 2);
  for (const page of [first, second]) assert.deepEqual(page.texts("c"), ["to both"]);
});

test("a page that is put away and brought back is level again", async () => {
  const { world, first, second, server } = await two();
  first.live.pause();
  await world.pass(1000);
  server.say("c", "meanwhile");
  await settle();
  assert.deepEqual(first.texts("c"), []);
  first.live.resume();
  await world.pass(1000);
  assert.deepEqual(first.texts("c"), ["meanwhile"]);
  assert.deepEqual(second.texts("c"), ["meanwhile"]);
});
