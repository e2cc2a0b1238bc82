import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readCamera } from "../api/model";
import { chooseLanguage, words } from "../i18n/locale";
import { LiveSession } from "../state/live";
import { PatrolSheet } from "./patrol-sheet";

const PATROL = { id: "p1", name: "Ronda", enabled: false, priority: 10, stops: [{ preset: "1", dwell_s: 15, speed: null }], windows: [] };
const PRESETS = { items: [{ token: "1", name: "Simpang" }, { token: "2", name: "Halte" }] };

let root: HTMLElement;
let asked: [string, string, unknown][];
let book: () => Response;

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

function show(mayEdit: boolean): void {
  const live = new LiveSession("c1");
  live.camera.value = readCamera({ id: "c1", name: "Monas", area: { code: "31" }, may: { control: true, patrols: mayEdit } }, "camera");
  render(<PatrolSheet live={live} onClose={() => undefined} />, root);
}

/** Waits until it is on the page. */
function find(testId: string): Promise<HTMLElement> {
  return vi.waitFor(() => {
    const found = root.querySelector<HTMLElement>(`[data-testid="${testId}"]`);
    if (found === null) throw new Error(`no ${testId}`);
    return found;
  });
}

async function says(text: string): Promise<void> {
  await vi.waitFor(() => expect(root.textContent).toContain(text));
}

async function tap(testId: string): Promise<void> {
  (await find(testId)).click();
  await new Promise((resolve) => setTimeout(resolve, 0)); // drawn anew before anything else is done
}

async function type(testId: string, text: string): Promise<void> {
  const field = (await find(testId)) as HTMLInputElement;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 0));
}

beforeEach(() => {
  chooseLanguage("id");
  asked = [];
  book = () => json({ items: [PATROL], time_zone: "Asia/Jakarta" });
  root = document.body.appendChild(document.createElement("div"));
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const method = init.method ?? "GET";
    if (method !== "GET") asked.push([method, path, typeof init.body === "string" ? JSON.parse(init.body) : null]);
    if (path.endsWith("/presets")) return Promise.resolve(json(PRESETS));
    return Promise.resolve(method === "GET" ? book() : json({}));
  });
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

it("shows patrols to everyone and changes them for none without the right", async () => {
  show(false);
  expect((await find("patrol-list")).textContent).toContain("Ronda");
  expect(root.querySelectorAll('[data-testid="patrol-start"], [data-testid="patrol-new"], [data-testid="patrol-edit"]')).toHaveLength(0);
});

it.each([403, 404])("says in words that there are none for this person on %i", async (status) => {
  book = () => json({}, status);
  show(true);
  await says(words.value.patrolsUnavailable);
  expect(root.querySelector('[data-testid="patrol-new"]')).toBeNull();
});

it("starts one and looks again what became of it", async () => {
  show(true);
  await find("patrol-start");
  book = () => json({ items: [{ ...PATROL, enabled: true }] });
  await tap("patrol-start");
  expect((await find("patrol-stop")).textContent).toBe(words.value.patrolStop);
  expect(asked).toEqual([["POST", "/api/v1/cameras/c1/patrols/p1/start", null]]);
});

it("writes a new one from the camera's presets", async () => {
  show(true);
  await tap("patrol-new");
  await tap("patrol-save");
  await says(words.value.patrolNeedsName);
  expect(asked).toEqual([]);
  await type("patrol-name", "Malam");
  await type("station-1-dwell", "30");
  await tap("patrol-daily");
  await tap("patrol-save");
  expect((await find("patrol-list")).textContent).toContain("Ronda"); // back in the list
  const body = { name: "Malam", stops: [{ preset: "1", dwell_s: 30, speed: null }], windows: [{ days: [0, 1, 2, 3, 4, 5, 6], from: "06:00", to: "18:00" }] };
  expect(asked).toEqual([["POST", "/api/v1/cameras/c1/patrols", body]]);
});

it("deletes only after asking once more", async () => {
  show(true);
  await tap("patrol-edit");
  await tap("patrol-delete");
  await says(words.value.patrolDeleteSure);
  expect(asked).toEqual([]);
  await tap("patrol-delete");
  await find("patrol-list");
  expect(asked).toEqual([["DELETE", "/api/v1/cameras/c1/patrols/p1", null]]);
});
