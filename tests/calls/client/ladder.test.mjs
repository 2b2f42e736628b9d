// What is done about a connection that does not come, or breaks.

import assert from "node:assert/strict";
import test from "node:test";

import { Ladder } from "../../../static/room/ladder.js";

/** A ladder and what it is told, half a second at a time. */
class Story {
  now = 1_000_000;
  ladder = new Ladder();
  facts = { gen: 1, connection: "new", stable: false, here: true, open: true, until: Infinity };
  done = []; // [seconds since the beginning, action]
  begun = this.now;

  /** So many seconds of this. */
  for(seconds, facts = {}) {
    Object.assign(this.facts, facts);
    for (let half = 0; half < seconds * 2; half++) {
      for (const action of this.ladder.step(this.facts, this.now)) {
        this.done.push([(this.now - this.begun) / 1000, action]);
        if (action === "text") this.facts.connection = "none";
      }
      this.now += 500;
    }
    return this;
  }

  /** Whatever is asked of the server happens, but no connection ever comes. */
  hopeless(seconds) {
    for (let half = 0; half < seconds * 2; half++) {
      const before = this.done.length;
      this.for(0.5);
      const action = this.done[before]?.[1];
      if (action === "rebuild" || action === "bare") Object.assign(this.facts, { gen: this.facts.gen + 1, connection: "new", stable: false });
      else if (this.facts.connection !== "none") this.facts.connection = "connecting";
    }
    return this;
  }

  get actions() {
    return this.done.map(([, action]) => action);
  }
}

test("a connection that comes asks for nothing", () => {
  const story = new Story().for(1).for(1, { connection: "connecting", stable: true });
  assert.equal(story.ladder.link, "connecting");
  story.for(60, { connection: "connected" });
  assert.equal(story.ladder.link, "connected");
  assert.deepEqual(story.done, []);
});

test("what is negotiated and never begins is built anew after five seconds", () => {
  const story = new Story().for(6, { stable: true });
  assert.deepEqual(story.done, [[5, "rebuild"]]);
});

test("an offer that is never answered is built anew too, but later", () => {
  assert.deepEqual(new Story().for(11).done, [[10, "rebuild"]]);
});

test("nothing is done about a break of a moment, and people are told after two seconds", () => {
  const moment = new Story().for(5, { connection: "connected" }).for(1, { connection: "disconnected" }).for(5, { connection: "connected" });
  assert.deepEqual(moment.done, []);
  const story = new Story().for(5, { connection: "connected" }).for(2, { connection: "disconnected" });
  assert.equal(story.ladder.link, "connected");
  story.for(1);
  assert.equal(story.ladder.link, "reconnecting");
  story.for(5, { connection: "connected" });
  assert.equal(story.ladder.link, "connected");
});

test("ICE is restarted when it has failed, at once, or has been broken for a second", () => {
  const failed = new Story().for(5, { connection: "connected" }).for(1, { connection: "failed" });
  assert.deepEqual(failed.done, [[5, "restart"]]);
  assert.equal(failed.ladder.link, "reconnecting");
  const broken = new Story().for(5, { connection: "connected" }).for(6, { connection: "disconnected" });
  assert.deepEqual(broken.done, [[6, "restart"]]);
});

test("what cannot be mended is built anew, twice, then without pictures, then they write", () => {
  const story = new Story().for(20, { connection: "connected", stable: true });
  story.facts.connection = "failed";
  story.hopeless(60);
  assert.deepEqual(story.done, [
    [20, "restart"],
    [28, "rebuild"],
    [36.5, "rebuild"],
    [45, "bare"],
    [53.5, "text"],
  ]);
  assert.equal(story.ladder.link, "text");
});

test("a call that never connects ends in writing within a minute", () => {
  const story = new Story().hopeless(60);
  assert.deepEqual(story.actions, ["restart", "rebuild", "rebuild", "bare", "text"]);
});

test("after ten good seconds all is forgiven", () => {
  const story = new Story().for(5, { connection: "connected" }).for(9, { connection: "failed" });
  assert.deepEqual(story.actions, ["restart", "rebuild"]);
  story.for(11, { gen: 2, connection: "connected" }).for(1, { connection: "failed" });
  assert.deepEqual(story.actions, ["restart", "rebuild", "restart"]);
  const soon = new Story().for(5, { connection: "connected" }).for(9, { connection: "failed" });
  soon.for(3, { gen: 2, connection: "connecting" }).for(1, { connection: "failed" });
  assert.deepEqual(soon.actions, ["restart", "rebuild", "rebuild"]);
});

test("nothing is asked for while nobody would hear it, and it is waited anew afterwards", () => {
  const story = new Story().for(5, { connection: "connected" }).for(60, { connection: "failed", open: false });
  assert.deepEqual(story.done, []);
  assert.equal(story.ladder.link, "reconnecting");
  story.for(1, { open: true });
  assert.deepEqual(story.actions, ["restart"]);
  const asked = new Story().for(4, { stable: true }).for(60, { here: false }).for(4, { here: true });
  assert.deepEqual(asked.done, []);
});

test("when the other side has left nothing is broken, and when it is back nothing is hurried", () => {
  const story = new Story().for(5, { connection: "connected" }).for(5, { here: false });
  assert.equal(story.ladder.link, "connected"); // it may have lost its socket alone
  story.for(60, { connection: "failed" });
  assert.equal(story.ladder.link, "none");
  assert.deepEqual(story.done, []);
  story.for(2, { gen: 2, connection: "connecting", here: true });
  assert.deepEqual(story.done, []);
});

test("a rebuild that brings no new generation is asked for again", () => {
  const story = new Story().for(12, { stable: true });
  assert.deepEqual(story.done.map(([at]) => at), [5, 8, 11]);
});

test("the other side's tries count, but not that its page was loaded anew", () => {
  const tried = new Story().for(5).for(5, { gen: 2 }).for(5, { gen: 3 }).for(11, { gen: 4, connection: "connecting" });
  assert.deepEqual(tried.actions, ["text"]);
  const loaded = new Story().for(5, { connection: "connected" }).for(1, { gen: 2, connection: "connecting" }).for(2, { connection: "failed" });
  assert.deepEqual(loaded.actions, ["restart"]);
});

test("who has given up answers when the other side tries, and asks for nothing", () => {
  const story = new Story().hopeless(60);
  story.done = [];
  story.for(5, { gen: 9, connection: "connecting" });
  assert.equal(story.ladder.link, "text");
  story.for(6);
  assert.deepEqual(story.actions, ["text"]);
  story.for(5, { connection: "none" }).for(1, { gen: 10, connection: "connected" });
  assert.equal(story.ladder.link, "connected");
});

test("they can try again from the beginning, until it is heard", () => {
  const story = new Story().hopeless(60);
  assert.deepEqual(story.ladder.again(story.now), ["rebuild"]);
  assert.equal(story.ladder.link, "reconnecting");
  story.done = [];
  story.for(4);
  assert.deepEqual(story.actions, ["rebuild"]);
  story.for(2, { gen: 9, connection: "connected" });
  assert.equal(story.ladder.link, "connected");
  assert.deepEqual(story.ladder.again(story.now), []);
});

test("TURN credentials are asked for before they end, and not more than every ten seconds", () => {
  const story = new Story();
  story.for(30, { connection: "connected", until: story.now + 80_000 });
  assert.deepEqual(story.done, [[20.5, "refresh"]]);
  story.for(5);
  story.for(30, { until: story.now + 3_600_000 });
  assert.deepEqual(story.actions, ["refresh", "refresh"]);
});
