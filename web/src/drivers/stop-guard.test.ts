import { afterEach, beforeEach, expect, it } from "vitest";
import { StopGuard, type GuardReason } from "./stop-guard";

class FakeDocument extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
}

let reasons: GuardReason[];
let page: EventTarget;
let doc: FakeDocument;
let guard: StopGuard;

beforeEach(() => {
  reasons = [];
  page = new EventTarget();
  doc = new FakeDocument();
  guard = new StopGuard((reason) => reasons.push(reason), { window: page, document: doc });
  guard.start();
});

afterEach(() => guard.close());

it.each(["blur", "pagehide", "offline"] as const)("stops on %s of the window", (name) => {
  page.dispatchEvent(new Event(name));
  expect(reasons).toEqual([name]);
});

it("stops when the page is hidden or frozen, not when it comes back", () => {
  doc.dispatchEvent(new Event("visibilitychange"));
  expect(reasons).toEqual([]);
  doc.visibilityState = "hidden";
  doc.dispatchEvent(new Event("visibilitychange"));
  doc.dispatchEvent(new Event("freeze"));
  expect(reasons).toEqual(["hidden", "freeze"]);
});

it("listens once however often it is started, and not after it was closed", () => {
  guard.start();
  page.dispatchEvent(new Event("blur"));
  expect(reasons).toEqual(["blur"]);
  guard.close();
  page.dispatchEvent(new Event("pagehide"));
  expect(reasons).toEqual(["blur"]);
});

it("does not take a button's loss of focus for the window's", () => {
  const button = document.createElement("button");
  document.body.append(button);
  const real = new StopGuard((reason) => reasons.push(reason));
  real.start();
  button.dispatchEvent(new FocusEvent("blur"));
  expect(reasons).toEqual([]);
  real.close();
  button.remove();
});
