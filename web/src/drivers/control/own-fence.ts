/**
 * Which lease this socket steers in. The service tells the newest number of one's sign-in; the first command of a new
 * socket of that sign-in gets a new one. What another socket left (`inherited`) must therefore not be sent along: the
 * second move would count as a late one of an older lease. Pure.
 */
export class OwnFence {
  private hasCommanded = false;
  private wasTold = false;
  private inherited: number | null = null;
  private own: number | null = null;

  /** The number to send along, null while none is this socket's own. */
  get value(): number | null {
    return this.own;
  }

  /** A command went out that may bring this socket a number of its own. */
  commanded(): void {
    this.hasCommanded = true;
  }

  /** The service told the newest number of one's sign-in, null when somebody else or nobody holds the camera. */
  told(fence: number | null): void {
    if (!this.hasCommanded || !this.wasTold) this.inherited = fence;
    this.wasTold = true;
    this.own = fence === this.inherited ? null : fence;
    if (this.own !== null) this.inherited = null;
  }
}
