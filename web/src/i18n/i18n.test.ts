import { afterEach, describe, expect, it } from "vitest";
import { localProblem, problemOf, type Problem } from "../api/problem";
import { REFUSALS } from "../drivers/control/messages";
import { en } from "./en";
import { id } from "./id";
import { asTime, chooseLanguage, inFigures, language, pickLanguage, words } from "./locale";
import { pictureWords, problemWords, refusalWords } from "./problems";

afterEach(() => chooseLanguage("id"));

describe("the language", () => {
  it("is the chosen one, else the browser's, else Indonesian", () => {
    expect(pickLanguage("en", ["id-ID"])).toBe("en");
    expect(pickLanguage(null, ["en-GB"])).toBe("en");
    expect(pickLanguage(null, ["in"])).toBe("id"); // old Androids
    expect(pickLanguage(null, ["fr-FR"])).toBe("id");
    expect(pickLanguage("xx", [])).toBe("id");
  });

  it("changes words, figures and times together, and is remembered", () => {
    chooseLanguage("en");
    expect(words.value.stop).toBe("STOP");
    expect(inFigures(12345)).toBe("12,345");
    chooseLanguage("id");
    expect(inFigures(12345)).toBe("12.345");
    expect(asTime(new Date(2026, 0, 2, 9, 5, 7))).toBe("09.05.07");
    expect(localStorage.getItem("camctl.language")).toBe("id");
    expect(language.value).toBe("id");
  });
});

describe("the catalogues", () => {
  it("say something everywhere, each in its own words", () => {
    const same = new Set(["stop", "delayUnknown", "menu"]);
    for (const key of Object.keys(id) as (keyof typeof id)[]) {
      const [ours, theirs] = [id[key], en[key]];
      expect(typeof theirs, key).toBe(typeof ours);
      if (typeof ours !== "string" || same.has(key)) continue;
      expect(ours.trim(), key).not.toBe("");
      expect(theirs, key).not.toBe(ours);
    }
    expect(en.reasons).toHaveLength(id.reasons.length);
    expect(en.helpLines).toHaveLength(id.helpLines.length);
    expect(en.emergencyReasons).toHaveLength(id.emergencyReasons.length);
  });
});

describe("problems", () => {
  const held: Problem = problemOf(409, null, { type: "urn:camctl:problem:held", holder: { name: "Budi" } });

  it("name the holder, the codec and the fault", () => {
    expect(problemWords(id, held)).toContain("Budi");
    expect(problemWords(en, { ...held, holderName: null })).toBe(en.problemHeldUnknown);
    expect(problemWords(en, problemOf(406, null, { codec: "H.265" }))).toContain("H.265");
    expect(problemWords(id, problemOf(409, null, { type: "urn:camctl:problem:not-live", fault: "bad-credentials" }))).toBe(id.faultBadCredentials);
    expect(problemWords(id, problemOf(409, null, { type: "urn:camctl:problem:not-live", fault: "moon" }))).toBe(id.problemNotLive);
    expect(problemWords(id, localProblem("network"))).toBe(id.problemNetwork);
  });

  it("have words for every refusal, but for those that the finger feels", () => {
    const silent = REFUSALS.filter((code) => refusalWords(id, { type: "error", seq: 1, code, detail: "", holderName: null }) === null);
    expect(silent).toEqual(["rate-limited", "released", "stale"]);
  });

  it("say of a record that cannot be written that it is that, on both ways", () => {
    expect(refusalWords(id, { type: "error", seq: 1, code: "not-on-record", detail: "", holderName: null })).toBe(id.problemNotOnRecord);
    const problem = problemOf(503, null, { type: "urn:camctl:problem:not-on-record", fault: "not-on-record", code: "not-on-record" });
    expect(problemWords(en, problem)).toBe(en.problemNotOnRecord);
  });

  it("have words for every fault of the picture", () => {
    const kinds = ["unsupported", "answer", "ice", "no-picture", "stalled", "ended"] as const;
    const said = new Set(kinds.map((kind) => pictureWords(id, { kind })));
    expect(said.size).toBe(kinds.length);
    expect(pictureWords(id, { kind: "refused", problem: held })).toContain("Budi");
  });
});
