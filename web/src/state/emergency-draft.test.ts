import { afterEach, describe, expect, it } from "vitest";
import { draftOf, EMPTY_DRAFT, faultsOf, forgetDraft, forgetDrafts, keepDraft, wishOf, type EmergencyDraft } from "./emergency-draft";

const WHOLE: EmergencyDraft = { category: "flood", incident: " 112-0881 ", reason: " Banjir ", minutes: 15 };

afterEach(forgetDrafts);

describe("what is entered", () => {
  it("says by field what is missing", () => {
    expect(faultsOf(EMPTY_DRAFT)).toEqual({ category: "no-category", incident: "no-incident", reason: "no-reason" });
    expect(faultsOf({ ...WHOLE, reason: "   " })).toEqual({ reason: "no-reason" });
    expect(wishOf(EMPTY_DRAFT)).toBeNull();
  });

  it.each(["<b>", "-112", "a".repeat(41), "112\n0881", "１１２"])("does not take %j for an incident number", (incident) => {
    expect(faultsOf({ ...WHOLE, incident })).toEqual({ incident: "wrong-incident" });
    expect(wishOf({ ...WHOLE, incident })).toBeNull();
  });

  it.each(["1", "112-0881", "LP/B 3.1_a", "a".repeat(40)])("takes %j for one", (incident) => {
    expect(wishOf({ ...WHOLE, incident })?.incident).toBe(incident);
  });

  it("becomes a tidy wish", () => {
    expect(wishOf(WHOLE)).toEqual({ category: "flood", incident: "112-0881", reason: "Banjir", minutes: 15 });
  });
});

it("is kept by camera until it was used or somebody else signs in", () => {
  keepDraft("c1", WHOLE);
  expect(draftOf("c1")).toBe(WHOLE);
  expect(draftOf("c2")).toBe(EMPTY_DRAFT);
  forgetDraft("c1");
  expect(draftOf("c1")).toBe(EMPTY_DRAFT);
  keepDraft("c2", WHOLE);
  forgetDrafts();
  expect(draftOf("c2")).toBe(EMPTY_DRAFT);
});
