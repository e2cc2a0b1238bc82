import { describe, expect, it } from "vitest";
import type { Camera } from "../api/model";
import { CommandDelay, isSlow, totalMs, UNKNOWN_DELAY } from "./delay";
import { grouped, matching } from "./grouping";
import { cameraHref, routeOf } from "./route";

function camera(id: string, name: string, code: string, area: string): Camera {
  return {
    id,
    name,
    area: { code, name: area },
    state: "live",
    stateDetail: "",
    steerable: true,
    audio: false,
    abilities: { panTilt: true, zoom: true, home: true, presets: true },
    may: { live: true, control: true, presets: true, patrols: false },
    holder: null,
    emergency: null,
  };
}

const CAMERAS = [
  camera("c3", "Pasar 10", "31.74", "Tebet"),
  camera("c1", "Monas", "31.71", "Gambir"),
  camera("c2", "Pasar 9", "31.74", "Tebet"),
];
const byName = (a: string, b: string): number => a.localeCompare(b, "id", { numeric: true });

describe("the list", () => {
  it("groups by area, both in order, numbers as numbers", () => {
    const groups = grouped(CAMERAS, 10, byName);
    expect(groups.map((group) => [group.name, group.cameras.map((item) => item.name)])).toEqual([
      ["Gambir", ["Monas"]],
      ["Tebet", ["Pasar 9", "Pasar 10"]],
    ]);
  });

  it("draws no more than asked", () => {
    expect(grouped(CAMERAS, 2, byName).flatMap((group) => group.cameras)).toHaveLength(2);
  });

  it("finds every word in name, area or id, whatever the case and accents", () => {
    expect(matching(CAMERAS, "pasar TÉBET").map((item) => item.id)).toEqual(["c3", "c2"]);
    expect(matching(CAMERAS, "31.71")).toHaveLength(1);
    expect(matching(CAMERAS, "  ")).toHaveLength(3);
    expect(matching(CAMERAS, "pasar gambir")).toEqual([]);
  });
});

describe("the address", () => {
  it("comes back from what was made of an id", () => {
    const id = "cam/1 ö%";
    expect(routeOf(cameraHref(id))).toEqual({ name: "live", id });
  });

  it.each(["", "#/", "#/cameras/", "#/cameras/%E0%A4%A", "#/elsewhere"])("of %j is the list", (hash) => {
    expect(routeOf(hash)).toEqual({ name: "list" });
  });
});

describe("the delay", () => {
  it("adds what is known and warns above 600 ms", () => {
    expect(totalMs(UNKNOWN_DELAY)).toBeNull();
    expect(totalMs({ videoMs: 200, commandMs: null })).toBe(200);
    expect(isSlow({ videoMs: 300, commandMs: 300 })).toBe(false);
    expect(isSlow({ videoMs: 300, commandMs: 301 })).toBe(true);
  });

  it("believes answers to moves before pings", () => {
    const delay = new CommandDelay();
    expect(delay.heard(20, "ping", 0)).toBe(20);
    expect(delay.heard(120, "move", 1_000)).toBe(60);
    expect(delay.heard(20, "ping", 2_000)).toBe(60);
    expect(delay.heard(20, "ping", 7_000)).toBe(44);
  });
});
