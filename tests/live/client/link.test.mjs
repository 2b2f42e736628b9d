// One socket, opened again for as long as it is wanted.

import assert from "node:assert/strict";
import test from "node:test";

import { Link, Over, plan } from "../../../static/shared/link.js";
import { World, settle } from "./world.mjs";

function link(world, more = {}) {
  const told = { status: [], frames: [], passes: 0 };
  const one = new Link(
    {
      url: "ws://test/live",
      pass: async () => ({ token: `${++told.passes}` }),
      hello: () => ({ t: "hello", epoch: "", have: {} }),
      engaged: () => true,
      heard: (frame) => told.frames.push(frame),
      changed: (status) => told.status.push(status),
      ...more,
    },
    { socket: (url) => world.server.socket(url), now: () => world.now, later: (act, ms) => world.later(act, ms), random: () => world.random },
  );
  return [one, told];
}

const ticks = async (world, one, seconds) => {
  for (let left = seconds; left > 0; left -= 5) {
    await world.pass(5000);
    one.tick();
    await settle();
  }
};

test("tries come further apart, by chance, and not without end", () => {
  const waits = [...Array(10).keys()].map((failures) => plan(1006, failures, undefined, 1).wait);
  assert.deepEqual(waits.slice(0, 4), [500, 1000, 2000, 4000]);
  assert.equal(waits.at(-1), 30_000);
  assert.equal(plan(1006, 3, undefined, 0).wait, 2000);
});

test("after a drain it comes back when it was told, and a little by chance", () => {
  assert.equal(plan(1012, 0, 1500, 0).wait, 1500);
  assert.equal(plan(1012, 5, 1500, 1).wait, 2000);
});

test("codes say what to do", () => {
  assert.deepEqual([plan(4401, 0, undefined, 0).spent, plan(4410, 0, undefined, 0).over], [true, true]);
  assert.equal(plan(4411, 0, undefined, 0).over, true);
  assert.ok(plan(4429, 0, undefined, 0).wait >= 5000);
  assert.ok(plan(4400, 0, undefined, 0).wait >= 5000);
  assert.ok(plan(4409, 0, undefined, 0).wait < 1000);
});

test("it greets first, with a pass that is used again while it is fresh", async () => {
  const world = new World();
  const [one, told] = link(world);
  one.start();
  await settle();
  assert.deepEqual(world.server.received[0], { t: "hello", v: 1, token: "1", epoch: "", have: {} });
  assert.equal(told.status.at(-1).state, "open");
  world.server.end(world.server.open[0], 1006);
  await world.pass(1000);
  assert.equal(told.status.at(-1).state, "open");
  assert.equal(told.passes, 1);
  world.server.end(world.server.open[0], 4401);
  await world.pass(2000);
  assert.equal(told.passes, 2);
});

test("a drain's time is kept to", async () => {
  const world = new World();
  const [one, told] = link(world);
  one.start();
  await settle();
  const [socket] = world.server.open;
  world.server.tell(socket, { t: "drain", after: 1800 });
  world.server.end(socket, 1012);
  assert.deepEqual(told.status.at(-1), { state: "waiting", again: 1800 + 250, code: 1012 });
  await world.pass(2049);
  assert.equal(told.status.at(-1).state, "waiting");
  await world.pass(1);
  assert.equal(told.status.at(-1).state, "open");
});

test("a signed-out session is not opened again, nor one that gets no pass", async () => {
  const world = new World();
  const [one, told] = link(world);
  one.start();
  await settle();
  world.server.end(world.server.open[0], 4410);
  await world.pass(120_000);
  assert.equal(told.status.at(-1).state, "ended");
  assert.equal(world.server.sockets.length, 0);
  const [other, refused] = link(world, {
    pass: async () => {
      throw new Over();
    },
  });
  other.start();
  await settle();
  assert.equal(refused.status.at(-1).state, "ended");
});

test("what does not answer two beats is given up", async () => {
  const world = new World();
  const [one, told] = link(world);
  one.start();
  await settle();
  const [first] = world.server.open;
  world.server.deaf = true;
  await ticks(world, one, 45);
  assert.equal(told.status.some((status) => status.state === "waiting"), false);
  await ticks(world, one, 20);
  assert.ok(told.status.some((status) => status.state === "waiting"));
  world.server.deaf = false;
  await ticks(world, one, 60);
  assert.equal(told.status.at(-1).state, "open");
  assert.notEqual(world.server.open[0], first);
});

test("after sleep and on another network the socket is doubted, and replaced when it does not answer", async () => {
  const world = new World();
  const [one, told] = link(world);
  one.start();
  await settle();
  one.check();
  await world.pass(6000);
  assert.equal(told.status.at(-1).state, "open");
  world.server.deaf = true;
  one.check();
  await world.pass(5000);
  assert.equal(told.status.at(-1).state, "waiting");
  world.server.deaf = false;
  one.check(); // in front again: at once
  await settle();
  assert.equal(told.status.at(-1).state, "open");
});

test("a server that never welcomes is tried again", async () => {
  const world = new World();
  world.server.deaf = true;
  const [one, told] = link(world);
  one.start();
  await world.pass(10_000);
  assert.equal(told.status.at(-1).state, "waiting");
  world.server.deaf = false;
  await world.pass(1000);
  assert.equal(told.status.at(-1).state, "open");
});

test("no message is larger than the server takes", async () => {
  const world = new World();
  const [one] = link(world);
  one.start();
  await settle();
  const sizes = [];
  const [socket] = world.server.open;
  socket.send = (message) => sizes.push([new TextEncoder().encode(message).length, JSON.parse(message).length]);
  one.send(...[...Array(150).keys()].map((n) => ({ t: "send", c: "c", id: `${n}`, kind: "text", body: { text: "é".repeat(n < 20 ? 4000 : 1) } })));
  await settle();
  assert.ok(sizes.length > 3);
  assert.ok(sizes.every(([bytes, frames]) => bytes <= 65_536 && frames <= 64));
  assert.equal(sizes.reduce((sum, [, frames]) => sum + frames, 0), 150);
});
