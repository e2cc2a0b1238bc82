/** Cameras by area, searched by words. Pure. */

import type { Camera } from "../api/model";

export interface Group {
  readonly code: string;
  readonly name: string;
  readonly cameras: readonly Camera[];
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Cameras whose name, id or area has every one of the words. */
export function matching(cameras: readonly Camera[], wanted: string): readonly Camera[] {
  const parts = plain(wanted).split(/\s+/).filter(Boolean);
  if (parts.length === 0) return cameras;
  return cameras.filter((camera) => {
    const text = plain(`${camera.name} ${camera.id} ${camera.area.name} ${camera.area.code}`);
    return parts.every((part) => text.includes(part));
  });
}

/** The first `most` cameras, grouped by area; areas and cameras in the order of `compare`. */
export function grouped(cameras: readonly Camera[], most: number, compare: (a: string, b: string) => number): readonly Group[] {
  const sorted = [...cameras].sort(
    (a, b) => compare(a.area.name, b.area.name) || compare(a.area.code, b.area.code) || compare(a.name, b.name),
  );
  const groups = new Map<string, { code: string; name: string; cameras: Camera[] }>();
  for (const camera of sorted.slice(0, most)) {
    const { code, name } = camera.area;
    const group = groups.get(code) ?? { code, name: name === "" ? code : name, cameras: [] };
    group.cameras.push(camera);
    groups.set(code, group);
  }
  return [...groups.values()];
}
