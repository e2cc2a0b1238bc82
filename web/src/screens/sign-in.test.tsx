import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { chooseLanguage } from "../i18n/locale";
import { id } from "../i18n/id";
import { session } from "../state/session";
import { SignIn } from "./sign-in";

let root: HTMLElement;

function part(name: string): HTMLElement {
  const found = root.querySelector<HTMLElement>(`[data-testid="${name}"]`);
  if (found === null) throw new Error(`no ${name} on the page`);
  return found;
}

async function submit(username: string, password: string): Promise<void> {
  (part("signin-username") as HTMLInputElement).value = username;
  (part("signin-password") as HTMLInputElement).value = password;
  root.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await vi.waitFor(() => {
    if (part("signin-submit").getAttribute("aria-disabled") === "true") throw new Error("busy");
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
}

beforeEach(() => {
  chooseLanguage("id");
  session.value = { name: "out", lapsed: false };
  root = document.createElement("div");
  document.body.append(root);
  render(<SignIn lapsed={false} />, root);
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

it("works with password managers", () => {
  expect(part("signin-username").getAttribute("autocomplete")).toBe("username webauthn");
  expect(part("signin-password").getAttribute("autocomplete")).toBe("current-password");
});

it("asks for both fields before it asks the service", async () => {
  const asked = vi.fn();
  vi.stubGlobal("fetch", asked);
  await submit("lurah", "");
  await vi.waitFor(() => expect(part("signin-error").textContent).toBe(id.fillBoth));
  expect(asked).not.toHaveBeenCalled();
});

it("says in words that the sign-in was wrong, and keeps what was typed", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"type":"urn:camctl:problem:wrong-sign-in"}', { status: 401 })));
  await submit("lurah", "wrong");
  await vi.waitFor(() => expect(part("signin-error").textContent).toBe(id.problemWrongSignIn));
  expect((part("signin-username") as HTMLInputElement).value).toBe("lurah");
  expect(session.value.name).toBe("out");
});

it("lets one in, with the name trimmed and the password as it is", async () => {
  const person = { username: "lurah", display_name: "Siti", role: "official" };
  const asked = vi.fn<typeof fetch>(() => Promise.resolve(new Response(JSON.stringify({ token: "t", person }))));
  vi.stubGlobal("fetch", asked);
  await submit(" lurah ", " secret ");
  await vi.waitFor(() => expect(session.value).toMatchObject({ name: "in", person: { displayName: "Siti" } }));
  expect(asked.mock.calls[0]?.[0]).toBe("/api/v1/auth/login");
  expect(asked.mock.calls[0]?.[1]?.body).toBe('{"username":"lurah","password":" secret "}');
});
