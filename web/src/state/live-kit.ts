/** For tests of a live session: a socket, a camera and answers of the service. */

/** As much of a WebSocket as a live session uses; the newest one is `FakeSocket.last`. */
export class FakeSocket {
  static last: FakeSocket | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  bufferedAmount = 0;
  sent: Record<string, unknown>[] = [];

  constructor(readonly address: string) {
    FakeSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.onclose = null;
  }
}

export const CAMERA = {
  id: "c1",
  name: "Monas",
  area: { code: "31", name: "Gambir" },
  steerable: true,
  abilities: { pan_tilt: true },
  may: { live: true, control: true },
};

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}
