import { describe, expect, it } from "vitest";
import { readOpening, type Opening } from "../api/emergencies";
import { concerns, countPending, isRunning, merged, newsOf, ownRunning, whyEnded } from "./emergency-rules";

const NOON = Date.parse("2026-03-01T12:00:00Z");

function opening(more: Record<string, unknown> = {}): Opening {
  return readOpening(
    {
      id: "o1",
      camera_id: "c1",
      camera_name: "Pintu Air",
      opened_by: { username: "sari", display_name: "Ibu Sari" },
      category: "flood",
      incident: "112-0881",
      reason: "Banjir",
      state: "open",
      opened_at: "2026-03-01T11:30:00Z",
      over_at: "2026-03-01T12:30:00Z",
      closed_by: "",
      review_by: "2026-03-08T12:30:00Z",
      may_close: true,
      may_review: false,
      ...more,
    },
    "opening",
  );
}

const OVER = { over_at: "2026-03-01T11:45:00Z", state: "unreviewed", may_close: false };

describe("an opening", () => {
  it("is read as it is told, and a camera without a name is called by its id", () => {
    expect(opening()).toMatchObject({ cameraName: "Pintu Air", by: { displayName: "Ibu Sari" }, category: "flood", mayReview: false });
    expect(opening({ camera_name: "", category: "meteor", opened_by: { username: "sari" } })).toMatchObject({ cameraName: "c1", category: "other", by: { displayName: "sari" } });
    expect(() => opening({ over_at: "soon" })).toThrow("opening.over_at is not a time");
  });

  it("runs until its end, judged or not", () => {
    expect(isRunning(opening({ state: "unjustified" }), NOON)).toBe(true);
    expect(isRunning(opening(OVER), NOON)).toBe(false);
  });

  it("concerns whoever closes or judges it, but not who opened it, nor who only reads", () => {
    expect(concerns(opening(), "partner")).toBe(true);
    expect(concerns(opening(), "sari")).toBe(false);
    expect(concerns(opening({ may_close: false }), "auditor")).toBe(false);
  });
});

describe("the number beside the list", () => {
  it("counts what runs and what waits for this person's judgement", () => {
    const all = [opening(), opening({ id: "o2", ...OVER, may_review: true }), opening({ id: "o3", ...OVER }), opening({ id: "o4", ...OVER, may_review: true, state: "justified" })];
    expect(countPending(all, "admin", NOON)).toBe(2);
    expect(countPending(all, "sari", NOON)).toBe(0);
  });
});

describe("news", () => {
  const late = opening({ id: "o2", ...OVER, may_review: true });

  it("is what runs when one comes, and later whatever is new", () => {
    expect(newsOf([opening(), late], null, "admin", NOON).map((one) => one.id)).toEqual(["o1"]);
    expect(newsOf([opening(), late], new Set(["o1"]), "admin", NOON).map((one) => one.id)).toEqual(["o2"]);
    expect(newsOf([opening()], new Set(), "sari", NOON)).toEqual([]);
  });
});

describe("one's own opening", () => {
  it("is the one of this camera that runs", () => {
    const all = [opening({ id: "o2", ...OVER }), opening({ id: "o3", camera_id: "c2" }), opening({ id: "o4", opened_by: { username: "andi" } }), opening()];
    expect(ownRunning(all, "c1", "sari", NOON)?.id).toBe("o1");
    expect(ownRunning(all, "c1", "tono", NOON)).toBeNull();
  });

  it("ends for a reason that is told", () => {
    expect(whyEnded([opening(OVER)], "sari", NOON)).toEqual({ kind: "time" });
    expect(whyEnded([opening({ ...OVER, closed_by: "sari" })], "sari", NOON)).toEqual({ kind: "self" });
    expect(whyEnded([opening({ ...OVER, closed_by: "tono" }), opening(OVER)], "sari", NOON)).toEqual({ kind: "closed", by: "tono" });
    expect(whyEnded([opening()], "sari", NOON)).toEqual({ kind: "unknown" }); // the right to open was taken away
    expect(whyEnded([opening(OVER)], "tono", NOON)).toEqual({ kind: "unknown" });
  });
});

it("keeps the newest first, and the newest of what is told of each", () => {
  const older = opening({ id: "o0", opened_at: "2026-03-01T09:00:00Z" });
  const all = merged([opening(), older], [opening({ state: "justified" }), opening({ id: "o2", opened_at: "2026-03-01T11:50:00Z" })]);
  expect(all.map((one) => [one.id, one.state])).toEqual([
    ["o2", "open"],
    ["o1", "justified"],
    ["o0", "open"],
  ]);
});
