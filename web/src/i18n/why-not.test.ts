import { expect, it } from "vitest";
import { WHYS_NOT } from "../api/model";
import { problemOf } from "../api/problem";
import { en } from "./en";
import { id } from "./id";
import { problemWords } from "./problems";
import { forbiddenWords, notOpenedWords, notSeenWords, notSteeredWords } from "./why-not";

const ALL = [notSeenWords, notSteeredWords, notOpenedWords, forbiddenWords];
/** Two lines of a phone of 390 pixels hold about this much; a third is still read at a glance. */
const MOST_CHARACTERS = 115;

it("has one short sentence for each rule, each its own, in both languages", () => {
  for (const words of [en, id]) {
    for (const say of ALL) {
      const sentences = [...WHYS_NOT.map((why) => say(words, why)), say(words, null)];
      expect(new Set(sentences).size).toBe(WHYS_NOT.length + 1);
      for (const sentence of sentences) {
        expect(sentence).toMatch(/^[A-Z][^.]+\.$/);
        expect(sentence.length, sentence).toBeLessThanOrEqual(MOST_CHARACTERS);
      }
    }
  }
});

it("says what is refused and why", () => {
  expect(notSteeredWords(en, "hours")).toBe("You may not steer this camera: your grant for this holds at other hours.");
  expect(notSteeredWords(id, "hours")).toBe("Anda tidak boleh menggerakkan kamera ini: izin Anda untuk ini berlaku pada jam lain.");
  expect(notSeenWords(en, "over")).toBe("You may not see this camera's picture: your grant for this has ended.");
});

it("says what it always said where the rule is not known", () => {
  expect(ALL.map((say) => say(id, null))).toEqual([id.viewNotAllowed, id.viewOnlyYou, id.emergencyNotYours, id.problemForbidden]);
});

it("is what a forbidden request says", () => {
  const refused = (why: unknown): string => problemWords(en, problemOf(403, null, { type: "urn:camctl:problem:forbidden", why }));
  expect(refused("role")).toBe("You are not allowed to do this: none of your grants includes this.");
  for (const unknown of ["token", "may-not-grant", undefined, 7]) expect(refused(unknown)).toBe(en.problemForbidden);
});
