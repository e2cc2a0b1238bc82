/** Tells when the phone has come into another network: back from none, or from Wi-Fi to mobile and the like. */

/** The part of the Network Information API that says which kind of network it is; phones' browsers have it. */
interface NetworkKind extends EventTarget {
  readonly type?: string;
}

export function watchNetwork(changed: () => void, signal: AbortSignal): void {
  addEventListener("online", changed, { signal });
  const kind = (navigator as { readonly connection?: NetworkKind }).connection;
  let known = kind?.type;
  // "change" also tells of new estimates of the speed, which are no other network.
  kind?.addEventListener("change", () => {
    if (kind.type === known) return;
    known = kind.type;
    if (known !== "none") changed();
  }, { signal });
}
