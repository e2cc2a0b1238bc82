import { render } from "preact";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NO_REASONS, readCamera } from "../api/model";
import { en } from "../i18n/en";
import { chooseLanguage } from "../i18n/locale";
import { LiveSession } from "../state/live";
import { StateCard } from "./state-card";

let root: HTMLElement;
let live: LiveSession;

/** A camera that this person may know of and not see. */
function show(more: object = {}): void {
  live.camera.value = readCamera({ id: "c1", name: "Monas", area: { code: "31" }, may: { live: false }, ...more }, "camera");
  render(<StateCard live={live} onEmergency={() => undefined} />, root);
}

async function drawn(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return root.textContent;
}

beforeEach(() => {
  chooseLanguage("en");
  live = new LiveSession("c1");
  root = document.body.appendChild(document.createElement("div"));
});

afterEach(() => {
  render(null, root);
  root.remove();
  live.close();
  chooseLanguage("id");
});

it("says that one may not see the picture, and why as soon as that is known, in the chosen language", async () => {
  show();
  expect(await drawn()).toBe(en.viewNotAllowed);
  live.whyNot.reasons.value = { ...NO_REASONS, live: "hours" };
  expect(await drawn()).toBe("You may not see this camera's picture: your grant for this holds at other hours.");
  chooseLanguage("id");
  expect(await drawn()).toBe("Anda tidak boleh melihat gambar kamera ini: izin Anda untuk ini berlaku pada jam lain.");
});

it("says why one may not open a camera that is shared in emergencies only", async () => {
  show({ emergency: { may_open: false, open_until: null } });
  expect(await drawn()).toContain(en.emergencyNotYours);
  live.whyNot.reasons.value = { ...NO_REASONS, live: "emergency", emergency: "role" };
  expect(await drawn()).toContain("You may not open it: none of your grants includes this.");
});
