import { expect, it } from "vitest";
import { DecodeError } from "../../api/decode";
import { readMessage } from "./messages";

const STATE = {
  type: "state",
  camera_id: "c1",
  holder: { name: "Budi", role: "operator", priority: 40, you: false, expires_in_ms: 8000 },
  moving: true,
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
    holder: { name: "Budi", role: "operator", you: false, expiresInMs: 8000 },
    moving: true,
    mayControl: true,
    mayTakeOver: false,
    stopConfirmed: null,
    camera: { state: "live", detail: "" },
    viewers: 3,
  });
});

it("reads words of a newer service as unknown, and does not fall over new kinds", () => {
  const newer = { ...STATE, holder: { ...STATE.holder, role: "mayor" }, camera: { state: "sleeping" }, viewers: null };
  expect(readMessage(JSON.stringify(newer))).toMatchObject({ holder: { role: null }, camera: { state: "unknown", detail: "" }, viewers: null });
  expect(readMessage('{"type":"weather"}')).toBeNull();
  expect(readMessage('{"type":"error","seq":4,"code":"too-windy","detail":"x"}')).toMatchObject({ code: "unknown", seq: 4 });
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
