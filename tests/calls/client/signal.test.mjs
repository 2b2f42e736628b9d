// The room's connection: what is said again, what waits, and when it does not come back.

import assert from "node:assert/strict";
import test from "node:test";

import { Signal } from "../../../static/room/signal.js";
import { World, settle } from "../../live/client/world.mjs";

/** A page in a room; the server is the other client tests', which knows no rooms: what rooms say is said by hand. */
async function entered() {
  const world = new World();
  const heard = [];
  const signal = new Signal({
    call: "room",
    inst: "page",
    url: "ws://test/live",
    pass: async () => ({ token: "pass" }),
    doors: {
      socket: (url) => world.server.socket(url),
      now: () => world.now,
      later: (act, ms) => world.later(act, ms),
      random: () => 0.5,
      visible: () => true,
      attach: () => () => undefined,
    },
  });
  for (const name of ["room", "turn", "media", "sdp", "ice", "bye"]) signal.on(name, (value) => heard.push([name, value]));
  signal.start();
  await settle();
  const tell = (...frames) => world.server.tell(world.server.open[0], ...frames);
  const sent = (t) => world.server.sent(t);
  return { world, signal, heard, tell, sent };
}

/** The network breaks. */
const cut = (world) => world.server.end(world.server.open[0], 1006);

test("it enters the room with the page's own name", async () => {
  const { sent } = await entered();
  assert.deepEqual(sent("hello"), [{ t: "hello", call: "room", inst: "page", v: 1, token: "pass" }]);
});

test("nothing is said before the room has been told: the server would not hear it", async () => {
  const { signal, tell, sent } = await entered();
  signal.ready();
  assert.equal(signal.admit(), false);
  await settle();
  assert.deepEqual([sent("ready"), sent("admit")], [[], []]);
  tell({ t: "room", gen: 1 });
  assert.equal(signal.admit(), true);
  await settle();
  assert.deepEqual([sent("ready").length, sent("admit").length], [1, 1]);
});

test("what the server has to know is said again after every welcome", async () => {
  const { world, signal, tell, sent } = await entered();
  tell({ t: "room", gen: 1 });
  signal.ready();
  signal.media({ mic: true, cam: false, screen: false, audio_only: false });
  await settle();
  cut(world);
  await world.pass(1000);
  tell({ t: "room", gen: 1 }, { t: "room", gen: 1 });
  await settle();
  assert.equal(sent("ready").length, 2);
  assert.equal(sent("media").length, 2);
  assert.equal(sent("hello")[1].inst, "page"); // the same page: nothing is built anew
});

test("what was said while the socket was away is sent when the room is still the same, and not else", async () => {
  for (const [gen, wanted] of [[3, 2], [4, 0]]) {
    const { world, signal, tell, sent } = await entered();
    tell({ t: "room", gen: 3 });
    cut(world);
    signal.sdp(3, { type: "offer", sdp: "..." });
    signal.ice(3, null);
    await world.pass(1000);
    assert.deepEqual([sent("sdp").length, sent("ice").length], [0, 0]);
    tell({ t: "room", gen });
    await settle();
    assert.equal(sent("sdp").length + sent("ice").length, wanted);
  }
});

test("no more waits than may wait", async () => {
  const { world, signal, tell, sent } = await entered();
  cut(world);
  for (let n = 0; n < 200; n++) signal.ice(1, { candidate: `${n}` });
  await world.pass(1000);
  tell({ t: "room", gen: 1 });
  await settle();
  assert.equal(sent("ice").length, 64);
  assert.equal(sent("ice").at(-1).candidate.candidate, "199");
});

test("what may be left out of a frame is filled in", async () => {
  const { heard, tell } = await entered();
  tell({ t: "media", mic: true, cam: true });
  const [[name, media]] = heard;
  assert.deepEqual([name, media.screen, media.audio_only], ["media", false, false]);
});

test("a page whose place was taken does not come back", async () => {
  for (const leave of [(world, tell) => tell({ t: "bye", why: "taken-over" }), (world) => world.server.end(world.server.open[0], 4411)]) {
    const { world, signal, heard, tell, sent } = await entered();
    leave(world, tell);
    await world.pass(120_000);
    signal.resume();
    await settle();
    assert.deepEqual(heard.at(-1), ["bye", { why: "taken-over" }]);
    assert.equal(heard.length, 1);
    assert.equal(sent("hello").length, 1);
  }
});

test("a page that is put away leaves, and comes back as itself", async () => {
  const { world, signal, heard, sent } = await entered();
  signal.pause();
  await world.pass(60_000);
  assert.equal(world.server.sockets.length, 0);
  signal.resume();
  await settle();
  assert.deepEqual(sent("hello").map(({ inst }) => inst), ["page", "page"]);
  assert.deepEqual(heard, []);
});
