import { expect, it } from "vitest";
import { DecodeError } from "../../api/decode";
import { readMessage } from "./messages";

const STATE = {
  type: "state",
  camera_id: "c1",
  holder: {
    name: "Budi",
    role: "operator",
    priority: 40,
    kind: "person",
    you: false,
    reason: "banjir",
    reserved: true,
    expires_in_ms: 8000,
    capped_in_ms: null,
    since_ms: 1200,
  },
  queue: [{ ticket: 3, name: "Siti", role: "official", priority: 50, you: true, reason: "", waiting_ms: 900 }],
  fence: null,
  moving: true,
  may_take: false,
  may_break: true,
  hidden: "sector",
  patrol: { id: "p1", name: "Pagi", kind: "patrol", state: "resting", stop: 1, stops: 3, resumes_in_ms: 20000, detail: "" },
  safety_net: "none",
  life_ms: 640,
  may_control: true,
  may_take_over: false,
  stop_confirmed: null,
  camera: { state: "live", detail: "" },
  position: { pan: 0.1, tilt: 0, zoom: 0 },
  viewers: 3,
};

it("reads a state", () => {
  expect(readMessage(JSON.stringify(STATE))).toEqual({
    type: "state",
    holder: {
      name: "Budi",
      role: "operator",
      kind: "person",
      you: false,
      reason: "banjir",
      reserved: true,
      expiresInMs: 8000,
      cappedInMs: null,
      reservedInMs: null,
      sinceMs: 1200,
    },
    queue: [{ ticket: 3, name: "Siti", role: "official", you: true, reason: "", waitingMs: 900 }],
    fence: null,
    moving: true,
    mayControl: true,
    mayTake: false,
    mayTakeOver: false,
    mayBreak: true,
    hidden: "sector",
    round: { id: "p1", name: "Pagi", isEvent: false, state: "resting", stop: 1, stops: 3, resumesInMs: 20000, detail: "" },
    safetyNet: "none",
    lifeMs: 640,
    stopConfirmed: null,
    camera: { state: "live", detail: "" },
    viewers: 3,
  });
});

it("reads words of a newer service as unknown, and does not fall over new kinds", () => {
  const newer = { ...STATE, holder: { ...STATE.holder, role: "mayor" }, camera: { state: "sleeping" }, viewers: null };
  expect(readMessage(JSON.stringify(newer))).toMatchObject({ holder: { role: "mayor" }, camera: { state: "unknown", detail: "" }, viewers: null });
  expect(readMessage(JSON.stringify({ ...STATE, hidden: "fog", safety_net: "rope" }))).toMatchObject({ hidden: "other", safetyNet: "timeout" });
  expect(readMessage('{"type":"weather"}')).toBeNull();
  expect(readMessage('{"type":"error","seq":4,"code":"too-windy","detail":"x"}')).toMatchObject({ code: "unknown", seq: 4 });
});

it("assumes nothing that an older service does not say", () => {
  const older = { type: "state", holder: { name: "Budi", you: false }, camera: { state: "live" } };
  expect(readMessage(JSON.stringify(older))).toMatchObject({
    holder: { kind: "person", reserved: false, cappedInMs: null },
    queue: [],
    fence: null,
    mayControl: false,
    mayTake: false,
    mayBreak: false,
    hidden: null,
    round: null,
    safetyNet: "timeout",
  });
});

it("reads who holds the camera out of a refusal", () => {
  const text = '{"type":"error","seq":4,"code":"held","detail":"x","holder":{"name":"Budi","role":"operator"}}';
  expect(readMessage(text)).toEqual({ type: "error", seq: 4, code: "held", detail: "x", holderName: "Budi" });
});

it.each(["[]", "7", '{"type":"ack"}', '{"type":"state","holder":{"name":3}}', '{"type":"state","moving":"yes"}'])("refuses %s", (text) => {
  expect(() => readMessage(text)).toThrow(DecodeError);
});

it("refuses what is no JSON, and what is no text", () => {
  expect(() => readMessage("{")).toThrow(SyntaxError);
  expect(() => readMessage(new ArrayBuffer(2))).toThrow(DecodeError);
});

it("reads which video session is over", () => {
  expect(readMessage('{"type":"video_ended","video":"v1"}')).toEqual({ type: "video_ended", video: "v1" });
  expect(() => readMessage('{"type":"video_ended"}')).toThrow("video is not a text");
});
