/** Watches for everything that means "nobody holds the camera any more" and says so once for each. */

export type GuardReason = "blur" | "pagehide" | "hidden" | "offline" | "freeze";

/** Where the events come from; the page's own window and document unless a test says otherwise. */
export interface GuardTargets {
  readonly window: EventTarget;
  readonly document: EventTarget & { readonly visibilityState: DocumentVisibilityState };
}

export class StopGuard {
  private listening: AbortController | null = null;

  constructor(
    private readonly onStop: (reason: GuardReason) => void,
    private readonly targets: GuardTargets = { window, document },
  ) {}

  start(): void {
    if (this.listening !== null) return;
    this.listening = new AbortController();
    const options = { signal: this.listening.signal, capture: true };
    const { window: page, document: doc } = this.targets;
    // Not captured: blur does not bubble, so that only the window's own comes here and not that of each button.
    page.addEventListener("blur", () => this.onStop("blur"), { signal: options.signal });
    page.addEventListener("pagehide", () => this.onStop("pagehide"), options);
    page.addEventListener("offline", () => this.onStop("offline"), options);
    doc.addEventListener("freeze", () => this.onStop("freeze"), options);
    doc.addEventListener("visibilitychange", () => {
      if (doc.visibilityState === "hidden") this.onStop("hidden");
    }, options);
  }

  close(): void {
    this.listening?.abort();
    this.listening = null;
  }
}
