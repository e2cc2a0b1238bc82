import { expect, it } from "vitest";
import { readFragment } from "./fragment";

function box(kind: string, content: readonly number[]): number[] {
  const size = 8 + content.length;
  return [size >> 24, size >> 16, size >> 8, size, ...Array.from(kind, (letter) => letter.charCodeAt(0)), ...content].map((byte) => byte & 255);
}

function fragment(ticks: number, flags: readonly number[]): ArrayBuffer {
  const tfdt = box("tfdt", [1, 0, 0, 0, 0, 0, 0, 0, ticks >> 24, ticks >> 16, ticks >> 8, ticks]);
  const trun = box("trun", [1, 0, 15, 1, 0, 0, 0, 1, ...Array<number>(12).fill(0), ...flags, 0, 0, 0, 0]);
  const moof = box("moof", [...box("mfhd", Array<number>(8).fill(0)), ...box("traf", [...box("tfhd", Array<number>(8).fill(0)), ...tfdt, ...trun])]);
  return new Uint8Array([...moof, ...box("mdat", [1, 2, 3])]).buffer;
}

it("reads when it is shown and whether playing can begin with it", () => {
  expect(readFragment(fragment(450_000, [2, 0, 0, 0]))).toEqual({ timeS: 5, isKey: true });
  expect(readFragment(fragment(3_600, [1, 1, 0, 0]))).toEqual({ timeS: 0.04, isKey: false });
});

it("is null for anything else", () => {
  const whole = new Uint8Array(fragment(9, [2, 0, 0, 0]));
  for (const cut of [0, 7, 20, 60]) expect(readFragment(whole.slice(0, cut).buffer)).toBeNull();
  expect(readFragment(new Uint8Array(box("ftyp", [1, 2, 3, 4])).buffer)).toBeNull();
  expect(readFragment(new Uint8Array(40).buffer)).toBeNull();
});
