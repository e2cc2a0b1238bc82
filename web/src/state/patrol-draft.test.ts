import { afterEach, expect, it, vi } from "vitest";
import { addPatrol, changePatrol, patrolsOf, readPatrol, switchPatrol, type Patrol } from "../api/patrols";
import { draftOf, newStation, planOf } from "./patrol-draft";

const DAYS = [0, 1, 2, 3, 4, 5, 6];
const PATROL: Patrol = {
  id: "p1",
  name: "Pagi",
  enabled: true,
  priority: 12,
  stations: [{ preset: "2", dwellS: 12.5, speed: 0.3 }],
  windows: [{ days: DAYS, from: "06:00", to: "18:00" }],
};

afterEach(() => vi.unstubAllGlobals());

it("comes back from the form as it went in", () => {
  expect(planOf(draftOf(PATROL, null), PATROL.windows)).toEqual({ name: "Pagi", stations: PATROL.stations, windows: PATROL.windows });
  const always: Patrol = { ...PATROL, windows: [] };
  expect(planOf(draftOf(always, null), [])).toMatchObject({ windows: [] });
});

it("keeps a schedule that the form cannot show", () => {
  const weekend = [{ days: [5, 6], from: "00:00", to: "01:00" }];
  const draft = draftOf({ ...PATROL, windows: weekend }, null);
  expect(draft.schedule).toBe("kept");
  expect(planOf(draft, weekend)).toMatchObject({ windows: weekend });
});

it("begins a new one at the first preset, running always", () => {
  const draft = draftOf(null, "1");
  expect(draft.stations).toEqual([newStation("1")]);
  expect(planOf({ ...draft, name: " Ronda " }, [])).toEqual({ name: "Ronda", stations: [{ preset: "1", dwellS: 15, speed: null }], windows: [] });
});

it.each([
  ["name", { name: "  " }],
  ["stations", { stations: [] }],
  ["dwell", { stations: [{ preset: "1", dwell: "0", speed: null }] }],
  ["dwell", { stations: [{ preset: "1", dwell: "", speed: null }] }],
  ["dwell", { stations: [{ preset: "1", dwell: "soon", speed: null }] }],
  ["window", { schedule: "daily", from: "08:00", until: "08:00" }],
  ["window", { schedule: "daily", from: "", until: "08:00" }],
] as const)("names a wrong %s", (fault, part) => {
  expect(planOf({ ...draftOf(PATROL, null), ...part }, [])).toBe(fault);
});

it("reads a decimal comma, and a window that passes midnight", () => {
  const draft = { ...draftOf(null, "1"), name: "Malam", schedule: "daily" as const, from: "22:00", until: "04:30" };
  expect(planOf({ ...draft, stations: [{ preset: "1", dwell: "7,5", speed: null }] }, [])).toMatchObject({
    stations: [{ dwellS: 7.5 }],
    windows: [{ days: DAYS, from: "22:00", to: "04:30" }],
  });
  const night = [{ days: DAYS, from: "18:00", to: "24:00" }];
  expect(draftOf({ ...PATROL, windows: night }, null).schedule).toBe("kept"); // a time field cannot show 24:00
});

it("goes to the service and comes back in its words", async () => {
  const asked: [string, string, unknown][] = [];
  const wire = { id: "p1", name: "Pagi", enabled: true, priority: 12, stops: [{ preset: "2", dwell_s: 12.5, speed: 0.3 }], windows: [{ days: DAYS, from: "06:00", to: "18:00" }] };
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push([init.method ?? "GET", path, typeof init.body === "string" ? JSON.parse(init.body) : null]);
    return Promise.resolve(new Response(JSON.stringify({ items: [wire], time_zone: "Asia/Jakarta" })));
  });
  expect(await patrolsOf("c/1")).toEqual({ kind: "success", value: { patrols: [PATROL], timeZone: "Asia/Jakarta" } });
  expect(readPatrol(wire, "patrol")).toEqual(PATROL);
  await addPatrol("c1", PATROL);
  await changePatrol("c1", PATROL, PATROL);
  await switchPatrol("c1", "p1", false);
  const plan = { name: wire.name, stops: wire.stops, windows: wire.windows };
  expect(asked).toEqual([
    ["GET", "/api/v1/cameras/c%2F1/patrols", null],
    ["POST", "/api/v1/cameras/c1/patrols", plan],
    ["PUT", "/api/v1/cameras/c1/patrols/p1", { ...plan, enabled: true, priority: 12 }],
    ["POST", "/api/v1/cameras/c1/patrols/p1/stop", null],
  ]);
});
