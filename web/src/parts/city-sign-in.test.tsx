import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { en } from "../i18n/en";
import { id } from "../i18n/id";
import { chooseLanguage } from "../i18n/locale";
import { route, routeOf } from "../state/route";
import { CitySignIn } from "./city-sign-in";

let root: HTMLElement;

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"enabled":true}')));
  root = document.body.appendChild(document.createElement("div"));
});

afterEach(() => {
  render(null, root);
  root.remove();
  route.value = routeOf("");
  vi.unstubAllGlobals();
});

it.each([
  ["#/city-sign-in-failed", "citySignInFailed"],
  ["#/city-sign-in-unavailable", "citySignInUnavailable"],
] as const)("says in both languages what is known at %s", async (hash, key) => {
  route.value = routeOf(hash);
  for (const [language, texts] of [["id", id], ["en", en]] as const) {
    chooseLanguage(language);
    render(<CitySignIn />, root);
    await vi.waitFor(() => expect(root.querySelector('[role="alert"]')?.textContent).toBe(texts[key]));
  }
});

it("says nothing before anything went wrong", async () => {
  chooseLanguage("id");
  render(<CitySignIn />, root);
  await vi.waitFor(() => expect(root.querySelector("a")?.textContent).toBe(id.citySignIn));
  expect(root.querySelector('[role="alert"]')).toBeNull();
});
