/** What a fragment of the service's MP4 says of itself (ISO/IEC 14496-12). Pure. */

export interface Fragment {
  readonly timeS: number;
  /** Whether playing can begin with it. */
  readonly isKey: boolean;
}

const CLOCK_HZ = 90_000;
const NOT_SYNC = 0x10000;

/** Where the content of the first box of this kind lies, within [from, to). */
function find(view: DataView, kind: string, from: number, to: number): readonly [number, number] | null {
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > to) return null;
    const name = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
    if (name === kind) return [at + 8, at + size];
    at += size;
  }
  return null;
}

/** Null for anything that is no fragment, such as an init segment. */
export function readFragment(data: ArrayBuffer): Fragment | null {
  const view = new DataView(data);
  const moof = find(view, "moof", 0, data.byteLength);
  const traf = moof && find(view, "traf", ...moof);
  const tfdt = traf && find(view, "tfdt", ...traf);
  const trun = traf && find(view, "trun", ...traf);
  if (!tfdt || !trun || tfdt[1] - tfdt[0] < 12 || trun[1] - trun[0] < 24) return null;
  const ticks = Number(view.getBigUint64(tfdt[0] + 4));
  return { timeS: ticks / CLOCK_HZ, isKey: (view.getUint32(trun[0] + 20) & NOT_SYNC) === 0 };
}
