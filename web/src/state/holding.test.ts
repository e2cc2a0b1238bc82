import { describe, expect, it } from "vitest";
import type { Holder } from "../api/model";
import { readMessage, type ControlState } from "../drivers/control/messages";
import { changeWords, deadlineWords, holderWords, leftWords, nameAndRole, roundWords } from "../i18n/control";
import { en } from "../i18n/en";
import { id } from "../i18n/id";
import { chooseLanguage } from "../i18n/locale";
import { changes, deadline, mainAction, mayRequest, mayReserve, takeOverKind } from "./holding";
import { clockOf } from "./time-left";

function told(more: Record<string, unknown>): ControlState {
  const message = readMessage(JSON.stringify({ type: "state", holder: null, may_control: true, camera: { state: "live" }, ...more }));
  if (message?.type !== "state") throw new Error("not a state");
  return message;
}

const BUDI = { name: "Budi", role: "operator", you: false, expires_in_ms: 8_000 };
const ME = { name: "Siti", role: "official", you: true, expires_in_ms: 8_000 };
const PATROL = { name: "Pagi", role: "patrol", kind: "patrol", you: false };
const MY_PLACE = { ticket: 2, name: "Siti", role: "official", you: true };

function holder(more: Record<string, unknown>): Holder {
  const found = told({ holder: { ...BUDI, ...more } }).holder;
  if (found === null) throw new Error("nobody");
  return found;
}

describe("what one may do", () => {
  it.each([
    ["a free camera", {}, "take"],
    ["a patrol's camera", { holder: PATROL, may_take: true }, "take"],
    ["one's own", { holder: ME, may_take: true }, "release"],
    ["one's own while others wait", { holder: ME, queue: [{ ticket: 1, name: "Budi" }] }, "release"],
    ["another's, by rank", { holder: BUDI, may_take_over: true }, "take-over"],
    ["another's, of the same rank", { holder: BUDI }, "request"],
    ["another's, while waiting", { holder: BUDI, may_take_over: true, queue: [MY_PLACE] }, "withdraw"],
    ["a reserved one", { holder: { ...BUDI, reserved: true } }, "request"],
    ["a reserved one, with the right to break", { holder: { ...BUDI, reserved: true }, may_take_over: true, may_break: true }, "break"],
    ["any, for one who only watches", { holder: BUDI, may_control: false, may_take_over: true }, "none"],
  ] as const)("with %s is %s", (_name, more, action) => {
    expect(mainAction(told(more))).toBe(action);
  });

  it("is never a take-over of what gives way, nor of one's own", () => {
    expect(takeOverKind(told({ holder: PATROL, may_take: true, may_take_over: true }))).toBeNull();
    expect(takeOverKind(told({ holder: ME, may_take_over: true }))).toBeNull();
    expect(takeOverKind(told({ holder: { ...BUDI, reserved: true }, may_take_over: true }))).toBeNull();
  });

  it("is to reserve what one has or may take, and to wait for the rest", () => {
    expect([mayReserve(told({})), mayReserve(told({ holder: ME })), mayReserve(told({ holder: BUDI }))]).toEqual([true, true, false]);
    expect([mayRequest(told({})), mayRequest(told({ holder: BUDI })), mayRequest(told({ holder: BUDI, queue: [MY_PLACE] }))]).toEqual([false, true, false]);
    expect(mayRequest(told({ holder: BUDI, may_control: false }))).toBe(false);
  });
});

describe("the end of a lease", () => {
  it("is the reservation's, else whichever comes first of idling and the cap", () => {
    expect(deadline(holder({ reserved: true, expires_in_ms: 910_000, reserved_in_ms: 900_000, capped_in_ms: 1 }), true)).toEqual({ kind: "reserved", inMs: 900_000 });
    expect(deadline(holder({ reserved: true, expires_in_ms: 910_000 }), true)).toEqual({ kind: "reserved", inMs: 910_000 });
    expect(deadline(holder({ capped_in_ms: 5_000 }), false)).toEqual({ kind: "capped", inMs: 5_000 });
    expect(deadline(holder({ capped_in_ms: 90_000 }), false)).toEqual({ kind: "idle", inMs: 8_000 });
  });

  it("does not come by idling while the camera moves, but by the cap", () => {
    expect(deadline(holder({}), true)).toBeNull();
    expect(deadline(holder({ capped_in_ms: 90_000 }), true)).toEqual({ kind: "capped", inMs: 90_000 });
    expect(deadline(holder({ expires_in_ms: null }), false)).toBeNull();
  });

  it("is said with its reason", () => {
    chooseLanguage("id");
    const now = new Date(2026, 0, 5, 14, 20);
    expect(deadlineWords(id, "idle", 9, now)).toBe("9 dtk");
    expect(deadlineWords(id, "capped", 130, now)).toBe("Berakhir dalam 2:10 karena ada yang menunggu");
    expect(deadlineWords(id, "reserved", 900, now)).toBe("Dipesan sampai 14.35 (15:00)");
    expect(leftWords(en, 99)).toBe("99 s");
  });
});

describe("what is told of a change", () => {
  const kinds = (before: ControlState | null, after: ControlState): string[] => changes(before, after).map((change) => change.kind);
  const waiting = { ticket: 1, name: "Budi", reason: "banjir" };

  it("is each new waiter, to the holder only", () => {
    const mine = told({ holder: ME, queue: [waiting] });
    expect(kinds(told({ holder: ME }), mine)).toEqual(["asked"]);
    expect(kinds(mine, mine)).toEqual([]);
    expect(kinds(null, mine)).toEqual(["asked"]);
    expect(kinds(mine, told({ holder: ME, queue: [waiting, { ticket: 9, name: "Andi" }] }))).toEqual(["asked"]);
    expect(kinds(told({ holder: BUDI }), told({ holder: BUDI, queue: [waiting] }))).toEqual([]);
  });

  it("is that one's turn came, with those who still wait", () => {
    const before = told({ holder: BUDI, queue: [MY_PLACE, waiting] });
    expect(kinds(before, told({ holder: ME, queue: [waiting] }))).toEqual(["asked", "granted"]);
    expect(kinds(told({}), told({ holder: ME }))).toEqual([]); // taken, not waited for
  });

  it("is who has it now when it was taken, not when it was given back", () => {
    expect(changes(told({ holder: ME }), told({ holder: BUDI }))).toMatchObject([{ kind: "lost", to: { name: "Budi" }, wasReserved: false }]);
    expect(changes(told({ holder: { ...ME, reserved: true } }), told({ holder: BUDI }))).toMatchObject([{ kind: "lost", wasReserved: true }]);
    expect(kinds(told({ holder: ME }), told({}))).toEqual([]);
  });

  it("has words with and without a reason", () => {
    const [plain] = changes(told({ holder: ME }), told({ holder: BUDI }));
    const [why] = changes(told({ holder: ME }), told({ holder: { ...BUDI, reason: "banjir" } }));
    if (plain === undefined || why === undefined) throw new Error("nothing was told");
    expect(changeWords(id, plain)).toBe("Kendali beralih ke Budi.");
    expect(changeWords(id, why)).toContain("banjir");
  });
});

describe("words", () => {
  it("tell people, patrols and events apart", () => {
    expect(holderWords(id, holder({}))).toBe("Dikendalikan oleh Budi");
    expect(nameAndRole(id, holder({}))).toBe("Budi (operator)");
    expect(nameAndRole(id, holder({ role: "pos-jaga" }))).toBe("Budi (pos-jaga)");
    expect(nameAndRole(id, holder({ role: "" }))).toBe("Budi");
    expect(holderWords(id, holder({ you: true }))).toBe("Dikendalikan oleh Anda");
    expect(holderWords(id, holder({ kind: "patrol", name: "Pagi" }))).toContain("Patroli “Pagi”");
    expect(holderWords(id, holder({ kind: "event", name: "Alarm" }))).toContain("Kejadian “Alarm”");
  });

  it("say what a patrol does", () => {
    const round = (more: Record<string, unknown>): string => {
      const state = told({ patrol: { id: "p", name: "Pagi", kind: "patrol", stop: 0, stops: 3, ...more } }).round;
      return state === null ? "" : roundWords(id, state, null);
    };
    expect(round({ state: "running" })).toBe("berjalan");
    expect(round({ state: "paused" })).toBe("jeda: ada petugas yang memegang kendali");
    expect(round({ state: "failed", detail: "preset 9" })).toBe("gagal: preset 9");
  });

  it("write times as clocks do", () => {
    expect([0, 59.2, 60, 3_599, 3_600, 3_661].map(clockOf)).toEqual(["0:00", "1:00", "1:00", "59:59", "1:00:00", "1:01:01"]);
  });
});
