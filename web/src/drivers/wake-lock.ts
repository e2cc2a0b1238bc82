/** Keeps the screen on while a camera is watched, where the browser can; the system takes the lock away when hidden. */
export class WakeLock {
  private lock: WakeLockSentinel | null = null;
  private wanted = false;

  start(): void {
    this.wanted = true;
    document.addEventListener("visibilitychange", this.renew);
    void this.request();
  }

  close(): void {
    this.wanted = false;
    document.removeEventListener("visibilitychange", this.renew);
    const lock = this.lock;
    this.lock = null;
    void lock?.release();
  }

  private readonly renew = (): void => {
    if (document.visibilityState === "visible") void this.request();
  };

  private async request(): Promise<void> {
    if (!("wakeLock" in navigator) || document.visibilityState !== "visible") return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.wanted) this.lock = lock;
      else await lock.release();
    } catch (error) {
      // Refused by the system (battery saver, no permission): the screen may go dark, which the guard handles.
      if (!(error instanceof DOMException)) throw error;
    }
  }
}
