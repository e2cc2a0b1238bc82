import { describe, expect, it } from "vitest";
import type { Area } from "../api/people";
import { problemOf } from "../api/problem";
import { en } from "../i18n/en";
import { areaLabel, areaOf, inviteProblemWords, renewProblemWords } from "./people";
import { routeOf } from "./route";

const TREE: readonly Area[] = [
  { code: "31", name: "DKI Jakarta", parent: null },
  { code: "31.71", name: "Jakarta Pusat", parent: "31" },
  { code: "31.71.01", name: "Gambir", parent: "31.71" },
  { code: "31.71.01.1001", name: "Gambir", parent: "31.71.01" },
];

describe("an area that is typed", () => {
  it("is found again by every label of the list", () => {
    for (const area of TREE) expect(areaOf(areaLabel(area, TREE), TREE)).toBe(area);
    expect(TREE.map((area) => areaLabel(area, TREE)).at(-1)).toBe("Gambir, Gambir (31.71.01.1001)");
  });

  it("may be a code, or a name that only one area has", () => {
    expect(areaOf(" 31.71 ", TREE)?.name).toBe("Jakarta Pusat");
    expect(areaOf("jakarta pusat", TREE)?.code).toBe("31.71");
    expect(areaOf("Gambir", TREE)).toBeNull();
    expect(areaOf("", TREE)).toBeNull();
    expect(areaOf("Bandung (32.73)", TREE)).toBeNull();
  });
});

describe("what is refused", () => {
  const problem = (status: number, type: string) => problemOf(status, null, { type: `urn:camctl:problem:${type}` });

  it("is said in words about inviting", () => {
    expect(inviteProblemWords(en, problem(403, "forbidden"))).toBe(en.inviteForbidden);
    expect(inviteProblemWords(en, problem(422, "bad-input"))).toBe(en.inviteRefused);
    expect(inviteProblemWords(en, problem(409, "not-done"))).toBe(en.inviteTooMany);
    expect(inviteProblemWords(en, problem(429, "rate-limited"))).toBe(en.problemRateLimited);
  });

  it("says nothing of who is here when a password is to be renewed", () => {
    expect(renewProblemWords(en, problem(404, "not-found"))).toBe(en.renewNobody);
    expect(renewProblemWords(en, problem(422, "bad-input"))).toBe(en.renewNobody);
    expect(renewProblemWords(en, problem(409, "not-done"))).toBe(en.inviteTooMany);
  });
});

it("the screen has an address", () => {
  expect(routeOf("#/people")).toEqual({ name: "people" });
});
