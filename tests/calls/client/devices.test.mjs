// Why there is no device, which one is used, and how loud it is.

import assert from "node:assert/strict";
import test from "node:test";

import { codeOf, loudness, switchTo } from "../../../static/room/devices.js";

test("each way of refusing a device has its code, in each browser's words", () => {
  for (const [name, message, known, code] of [
    ["NotAllowedError", "Permission denied", { permission: "denied" }, "denied"],
    ["NotAllowedError", "Permission denied by system", { permission: "denied" }, "system"],
    ["NotAllowedError", "Permission dismissed", { permission: "prompt" }, "dismissed"],
    ["NotAllowedError", "The request is not allowed by the user agent or the platform in the current context.", { permission: "prompt" }, "dismissed"],
    ["NotAllowedError", "Permission denied", { permission: "denied", policy: false }, "policy"],
    ["NotFoundError", "Requested device not found", {}, "none"],
    ["NotReadableError", "Could not start video source", {}, "busy"],
    ["AbortError", "Starting videoinput failed", {}, "busy"],
    ["OverconstrainedError", "", {}, "unfit"],
    ["TypeError", "mediaDevices is undefined", {}, "unsupported"],
    ["TypeError", "mediaDevices is undefined", { secure: false }, "insecure"],
    ["UnknownError", "", {}, "failed"],
  ]) assert.equal(codeOf({ name, message }, known), code, `${name} ${message}`);
});

const [BUILT_IN, HEADSET] = [{ id: "b", name: "Built-in" }, { id: "h", name: "Headset" }];

test("what is in use stays, until it is pulled out", () => {
  assert.equal(switchTo([BUILT_IN], [BUILT_IN, HEADSET], "b", ""), null);
  assert.equal(switchTo([BUILT_IN, HEADSET], [BUILT_IN], "h", "h"), "");
  assert.equal(switchTo([BUILT_IN, HEADSET], [BUILT_IN], "b", ""), null);
});

test("what was chosen by hand is used again when it is plugged in again, and not before", () => {
  assert.equal(switchTo([BUILT_IN], [BUILT_IN, HEADSET], "b", "h"), "h");
  assert.equal(switchTo([BUILT_IN, HEADSET], [BUILT_IN, HEADSET], "b", "h"), null);
});

test("silence is 0, a voice between, and a shout 1", () => {
  const tone = (amplitude) => Float32Array.from({ length: 1024 }, (_, at) => amplitude * Math.sin(at / 5));
  assert.equal(loudness(tone(0)), 0);
  assert.equal(loudness(tone(0.9)), 1);
  assert.ok(loudness(tone(0.03)) > 0.3 && loudness(tone(0.03)) < 0.8);
  assert.equal(loudness([]), 0);
});
