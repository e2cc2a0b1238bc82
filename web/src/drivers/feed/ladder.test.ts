import { beforeEach, describe, expect, it } from "vitest";
import { problemOf } from "../../api/problem";
import type { PictureFault } from "../whep/states";
import { Ladder, NetworkMemory } from "./ladder";

const ALL = { webrtc: true, mse: true };
const MINUTE = 60_000;
const ICE: PictureFault = { kind: "ice" };
const LOST: PictureFault = { kind: "lost" };
const CODEC: PictureFault = { kind: "refused", problem: problemOf(406, null, { type: "urn:camctl:problem:codec", codec: "H264" }) };
const OFFLINE: PictureFault = { kind: "refused", problem: problemOf(409, null, { type: "urn:camctl:problem:not-live" }) };

let memory: NetworkMemory;

beforeEach(() => {
  memory = new NetworkMemory();
});

describe("going down", () => {
  it("begins with the best way that the browser has", () => {
    expect(new Ladder(ALL, memory, 0).way).toBe("webrtc");
    expect(new Ladder({ webrtc: false, mse: true }, memory, 0).way).toBe("mse");
    expect(new Ladder({ webrtc: false, mse: false }, memory, 0).way).toBe("jpeg");
  });

  it("leaves WebRTC after two failures in a row, at once when it is unsupported or the codec is refused", () => {
    const ladder = new Ladder(ALL, memory, 0);
    expect(ladder.failed(ICE, 0)).toBe(false);
    expect(ladder.failed({ kind: "no-picture" }, 1)).toBe(true);
    expect(ladder.way).toBe("mse");
    for (const fault of [CODEC, { kind: "unsupported" } as const]) {
      const other = new Ladder(ALL, new NetworkMemory(), 0);
      expect(other.failed(fault, 0)).toBe(true);
      expect(other.way).toBe("mse");
    }
  });

  it("leaves MSE after two failures, or when there is none, and stays with single pictures", () => {
    const ladder = new Ladder({ webrtc: false, mse: true }, memory, 0);
    expect(ladder.failed(LOST, 0)).toBe(false);
    expect(ladder.failed({ kind: "decode" }, 1)).toBe(true);
    expect(ladder.way).toBe("jpeg");
    expect(ladder.failed(LOST, 2)).toBe(false);
    const old = new Ladder(ALL, memory, 0);
    old.failed(CODEC, 0);
    expect(old.failed({ kind: "unsupported" }, 1)).toBe(true);
    expect(old.way).toBe("jpeg");
  });

  it("is not moved by what has to do with the camera, and forgets failures when a picture has proved itself", () => {
    const ladder = new Ladder(ALL, memory, 0);
    for (let at = 0; at < 9; at += 1) expect(ladder.failed(OFFLINE, at)).toBe(false);
    ladder.failed(ICE, 10);
    ladder.proved();
    expect(ladder.failed(ICE, 11)).toBe(false);
    expect(ladder.way).toBe("webrtc");
  });
});

describe("going up", () => {
  it("tries WebRTC again after some minutes, more seldom each time", () => {
    const ladder = new Ladder(ALL, memory, 0);
    ladder.failed(ICE, 0);
    ladder.failed(ICE, 0);
    expect(ladder.better(3 * MINUTE - 1)).toBeNull();
    expect(ladder.better(3 * MINUTE)).toBe("webrtc");
    ladder.trying(3 * MINUTE);
    expect(ladder.better(9 * MINUTE - 1)).toBeNull();
    expect(ladder.better(9 * MINUTE)).toBe("webrtc");
    ladder.climbed("webrtc", 9 * MINUTE);
    expect(ladder.way).toBe("webrtc");
    expect(ladder.better(99 * MINUTE)).toBeNull();
  });

  it("tries it at once in another network, but not with every hiccup of it", () => {
    const ladder = new Ladder(ALL, memory, 0);
    ladder.failed(ICE, 0);
    ladder.failed(ICE, 0);
    ladder.networkChanged(20_000);
    expect(ladder.better(20_000)).toBe("webrtc");
    ladder.trying(20_000);
    ladder.networkChanged(21_000);
    expect(ladder.better(21_000)).toBeNull();
    ladder.networkChanged(31_000);
    expect(ladder.better(31_000)).toBe("webrtc");
  });

  it("never tries again what the browser cannot do", () => {
    const ladder = new Ladder(ALL, memory, 0);
    ladder.failed(CODEC, 0);
    ladder.networkChanged(MINUTE);
    expect(ladder.better(60 * MINUTE)).toBeNull();
  });

  it("goes from single pictures to MSE first", () => {
    const ladder = new Ladder(ALL, memory, 0);
    for (const fault of [ICE, ICE, LOST, LOST]) ladder.failed(fault, 0);
    expect(ladder.way).toBe("jpeg");
    expect(ladder.better(MINUTE)).toBe("mse");
    ladder.trying(MINUTE);
    ladder.climbed("mse", MINUTE);
    expect(ladder.better(2 * MINUTE)).toBeNull();
    expect(ladder.better(8 * MINUTE)).toBe("webrtc");
  });
});

it("the next camera in the same network begins where the last one ended", () => {
  const first = new Ladder(ALL, memory, 0);
  first.failed(ICE, 0);
  first.failed(ICE, 0);
  const second = new Ladder(ALL, memory, MINUTE);
  expect(second.way).toBe("mse");
  expect(second.better(4 * MINUTE)).toBe("webrtc");
  second.climbed("webrtc", 4 * MINUTE);
  expect(new Ladder(ALL, memory, 4 * MINUTE).way).toBe("webrtc");
  const codec = new Ladder(ALL, memory, 0);
  codec.failed(CODEC, 0);
  expect(new Ladder(ALL, memory, 1).way).toBe("webrtc");
});
