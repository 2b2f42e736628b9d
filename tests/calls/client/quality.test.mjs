// How good a connection is, and whether it bears pictures.

import assert from "node:assert/strict";
import test from "node:test";

import { level, measure, NOTHING, Pictures } from "../../../static/room/quality.js";

const GOOD = { rtt: 30, loss: 0, jitter: 5, up: 500_000, down: 500_000, room: 900_000, frames: 25, relayed: false, pictured: true, heard: true };
const BOTH = { sends: true, sees: true };

const stats = (more = {}) => [
  { type: "transport", id: "T", selectedCandidatePairId: "P" },
  { type: "candidate-pair", id: "other", nominated: true, state: "succeeded", bytesSent: 1, bytesReceived: 1 },
  {
    type: "candidate-pair", id: "P", state: "succeeded", localCandidateId: "L", remoteCandidateId: "R",
    currentRoundTripTime: 0.12, availableOutgoingBitrate: 800_000, bytesSent: 100_000, bytesReceived: 300_000, ...more.pair,
  },
  { type: "local-candidate", id: "L", candidateType: "host", ...more.local },
  { type: "remote-candidate", id: "R", candidateType: "host" },
  { type: "inbound-rtp", kind: "audio", mid: "0", packetsLost: 0, packetsReceived: 100, jitter: 0.01, ...more.audio },
  { type: "inbound-rtp", kind: "video", mid: "1", packetsLost: 0, packetsReceived: 300, framesDecoded: 50, ...more.video },
  { type: "inbound-rtp", kind: "video", mid: "2", packetsLost: 0, packetsReceived: 10, framesDecoded: 3 },
  { type: "remote-inbound-rtp", kind: "audio", fractionLost: 0, ...more.reported },
];
const MIDS = new Map([["0", "mic"], ["1", "cam"], ["2", "screen"]]);

test("what the browser counts becomes rates, between one look and the next", () => {
  const first = measure(stats(), NOTHING, 10_000, MIDS);
  const more = { pair: { bytesSent: 200_000, bytesReceived: 550_000 }, audio: { packetsReceived: 190, packetsLost: 10 }, video: { framesDecoded: 90, packetsReceived: 300 } };
  const { sample } = measure(stats(more), first.counts, 12_000, MIDS);
  assert.deepEqual(sample, {
    rtt: 120, loss: 0.1, jitter: 10, up: 400_000, down: 1_000_000, room: 800_000, frames: 20, relayed: false, pictured: true, heard: true,
  });
});

test("the worse direction's loss counts", () => {
  const { sample } = measure(stats({ reported: { fractionLost: 0.3 } }), NOTHING, 1000, MIDS);
  assert.equal(sample.loss, 0.3);
});

test("a relay on either side is one", () => {
  assert.equal(measure(stats({ local: { candidateType: "relay" } }), NOTHING, 1000, MIDS).sample.relayed, true);
});

test("before anything has come, nothing is known and nothing is bad", () => {
  const { sample } = measure([], NOTHING, 1000, new Map());
  assert.deepEqual([sample.rtt, sample.loss, sample.relayed, sample.pictured, sample.heard], [null, null, null, false, false]);
  assert.equal(level(sample, BOTH), 3);
});

test("the worst of what is measured is the level", () => {
  assert.equal(level(GOOD, BOTH), 3);
  for (const [more, wanted] of [
    [{ rtt: 250 }, 2], [{ rtt: 500 }, 1], [{ rtt: 900 }, 0],
    [{ loss: 0.03 }, 2], [{ loss: 0.08 }, 1], [{ loss: 0.2 }, 0],
    [{ jitter: 200 }, 0], [{ room: 60_000 }, 0],
  ]) assert.equal(level({ ...GOOD, ...more }, BOTH), wanted, JSON.stringify(more));
});

test("no pictures sent need no room, and few frames alone never give pictures up", () => {
  assert.equal(level({ ...GOOD, room: 60_000 }, { sends: false, sees: true }), 3);
  assert.equal(level({ ...GOOD, frames: 0 }, BOTH), 1);
  assert.equal(level({ ...GOOD, frames: 0 }, { sends: true, sees: false }), 3);
});

/** So many seconds at a level, looked at every two. */
function at(pictures, value, seconds, from) {
  const changes = [];
  for (let second = 0; second <= seconds; second += 2) if (pictures.step(value, from + second * 1000)) changes.push([second, pictures.on, pictures.by]);
  return changes;
}

test("ten poor seconds give pictures up, fifteen good ones bring them back", () => {
  const pictures = new Pictures();
  assert.deepEqual(at(pictures, 0, 20, 0), [[10, false, "link"]]);
  assert.deepEqual(at(pictures, 1, 60, 22_000), []);
  assert.deepEqual(at(pictures, 3, 20, 84_000), [[16, true, ""]]);
});

test("a good moment begins the count anew", () => {
  const pictures = new Pictures();
  for (const from of [0, 10_000, 20_000]) {
    assert.deepEqual(at(pictures, 0, 6, from), []);
    assert.deepEqual(at(pictures, 1, 0, from + 8000), []);
  }
});

test("they stay away twice as long when they came back too early", () => {
  const pictures = new Pictures();
  at(pictures, 0, 10, 0);
  at(pictures, 3, 16, 12_000);
  assert.deepEqual(at(pictures, 0, 12, 30_000), [[10, false, "link"]]);
  assert.deepEqual(at(pictures, 3, 40, 44_000), [[30, true, ""]]);
});

test("who turns them off has them off, and who turns them on has them for a minute, however poor", () => {
  const pictures = new Pictures();
  pictures.choose(false, 0);
  assert.deepEqual([pictures.on, pictures.by], [false, "hand"]);
  assert.deepEqual(at(pictures, 3, 300, 0), []);
  pictures.choose(true, 300_000);
  assert.deepEqual(at(pictures, 0, 58, 300_000), []);
  assert.deepEqual(at(pictures, 0, 20, 360_000), [[10, false, "link"]]);
});

test("a connection that could only be had without pictures gets them back when it is good", () => {
  const pictures = new Pictures();
  pictures.drop("ladder", 0);
  assert.deepEqual([pictures.on, pictures.by], [false, "ladder"]);
  assert.deepEqual(at(pictures, 2, 20, 0), [[16, true, ""]]);
});
