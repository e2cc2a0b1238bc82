import { expect, it } from "vitest";
import { controlAddress } from "./calls";
import { DecodeError } from "./decode";
import { NO_REASONS, readCamera, readPage, readPerson, readPresets, readReasons } from "./model";

const CAMERA = {
  id: "c1",
  name: "Monas",
  area: { code: "31.71.01", name: "Gambir" },
  state: "live",
  state_detail: "",
  steerable: true,
  abilities: { pan_tilt: true, zoom: true, absolute: true, relative: true, home: true, presets: false },
  may: { live: true, control: true, snapshot: true, presets: true },
  holder: { name: "Budi", role: "operator" },
};

it("reads a page of cameras", () => {
  const page = readPage(readCamera)({ items: [CAMERA, { ...CAMERA, holder: null }], next: "c2" }, "answer");
  expect(page.next).toBe("c2");
  expect(page.items[0]).toMatchObject({
    id: "c1",
    abilities: { panTilt: true, zoom: true, home: true, presets: false },
    holder: { name: "Budi", role: "operator", you: false, expiresInMs: null },
  });
  expect(page.items[1]?.holder).toBeNull();
});

it("allows nothing that is not said", () => {
  const bare = readCamera({ id: "c1", name: "x", area: { code: "31" } }, "camera");
  expect(bare).toMatchObject({ state: "unknown", steerable: false, may: { live: false, control: false }, holder: null });
});

it("names the place that does not fit", () => {
  const page = { items: [CAMERA, { ...CAMERA, name: 7 }], next: null };
  expect(() => readPage(readCamera)(page, "answer")).toThrow(new DecodeError("answer.items[1].name is not a text"));
});

it("falls back to the user name of a person without another", () => {
  expect(readPerson({ username: "lurah", role: "official" }, "me")).toEqual({ username: "lurah", displayName: "lurah", role: "official" });
});

it("reads presets", () => {
  expect(readPresets({ items: [{ token: "1", name: "" }] }, "answer")).toEqual([{ token: "1", name: "" }]);
});

it("reads why something is refused, and no rule that it does not know", () => {
  const decided = (why: string): object => ({ allowed: why === "allowed", why, reason: "", grant: null });
  const items = { live: decided("allowed"), control: decided("not-yet"), emergency: decided("moon") };
  expect(readReasons({ items }, "answer")).toEqual({ live: null, control: "not-yet", emergency: null });
  expect(readReasons({ items: {} }, "answer")).toEqual(NO_REASONS);
  expect(() => readReasons({ items: { live: "no" } }, "answer")).toThrow(new DecodeError("answer.items.live is not an object"));
});

it("opens the control socket as safely as the page", () => {
  const at = (href: string): Location => new URL(href) as unknown as Location;
  expect(controlAddress("a/b", at("https://city.id/#/"))).toBe("wss://city.id/api/v1/cameras/a%2Fb/control");
  expect(controlAddress("c1", at("http://localhost:8080/"))).toBe("ws://localhost:8080/api/v1/cameras/c1/control");
});
