import { describe, expect, it, vi } from "vitest";
import { MOST_UNSENT_BYTES } from "./control-driver";
import { driver, FakeSocket, heard, newest, opened, RIGHT, withDriver } from "./driver-kit";
import { MOST_ON_THE_WAY } from "./in-flight";

withDriver();

describe("talking", () => {
  it("numbers every message, and names the press", () => {
    const socket = opened();
    driver.move(RIGHT, 7);
    driver.stop(1);
    driver.ask({ type: "take_over", reason: "flood" });
    const numbers = socket.sent.map((message) => message.seq);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(socket.of("move")[0]).toMatchObject({ pan: 1, tilt: 0, zoom: 0, gesture: 7 });
    expect(socket.of("take_over")[0]).toMatchObject({ reason: "flood" });
  });

  it("measures from sending to the answer", () => {
    const socket = opened();
    driver.move(RIGHT, 1);
    vi.advanceTimersByTime(42);
    socket.say({ type: "ack", seq: socket.of("move")[0]?.seq, kind: "move", server_ms: 1, camera_ms: 20 });
    expect(heard.latencies).toEqual([[42, "move"]]);
  });

  it("passes states and refusals on", () => {
    const socket = opened();
    socket.say({ type: "state", holder: null, moving: false, may_control: true, camera: { state: "live" } });
    socket.say({ type: "error", seq: 1, code: "held", detail: "", holder: { name: "Budi" } });
    expect(heard.states).toHaveLength(1);
    expect(heard.refusals[0]).toMatchObject({ code: "held", holderName: "Budi" });
  });

  it("passes on that a video session is over", () => {
    opened().say({ type: "video_ended", video: "v1" });
    expect(heard.videosEnded).toEqual(["v1"]);
  });

  it("does not let a late refusal of the last press end the new one", () => {
    const socket = opened();
    driver.move(RIGHT, 1);
    driver.move(RIGHT, 2);
    const [first, second] = socket.of("move");
    socket.say({ type: "error", seq: first?.seq, code: "released", detail: "" });
    expect(heard.refusals).toEqual([]);
    socket.say({ type: "error", seq: second?.seq, code: "released", detail: "" });
    expect(heard.refusals).toHaveLength(1);
  });
});

describe("a slow network", () => {
  it("leaves moves out instead of queueing them, and still sends Stop, both ways", () => {
    const socket = opened();
    socket.bufferedAmount = MOST_UNSENT_BYTES + 1;
    driver.move(RIGHT, 1);
    expect(socket.of("move")).toEqual([]);
    driver.stop(1);
    expect(socket.of("stop")).toHaveLength(1);
    expect(heard.unsentStops).toBe(1);
  });

  it("holds moves back while too many are unanswered, and goes on with the next answer", () => {
    const socket = opened();
    for (let count = 0; count < MOST_ON_THE_WAY + 5; count += 1) driver.move(RIGHT, 1);
    expect(socket.of("move")).toHaveLength(MOST_ON_THE_WAY);
    socket.say({ type: "ack", seq: socket.of("move").at(-1)?.seq, kind: "move" });
    driver.move(RIGHT, 1);
    expect(socket.of("move")).toHaveLength(MOST_ON_THE_WAY + 1);
  });

  it("does not hold moves back for ever when answers do not come at all", () => {
    const socket = opened();
    for (let count = 0; count < MOST_ON_THE_WAY; count += 1) driver.move(RIGHT, 1);
    vi.advanceTimersByTime(2_500);
    driver.move(RIGHT, 1);
    expect(socket.of("move")).toHaveLength(MOST_ON_THE_WAY + 1);
  });
});

describe("a lost connection", () => {
  it("comes back by itself, with growing waits, and never sends moves from before", () => {
    opened().onclose?.({ code: 1006 });
    expect(heard.links.at(-1)).toEqual({ name: "waiting", attempt: 1 });
    driver.move(RIGHT, 1);
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all).toHaveLength(2);
    newest().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(999);
    expect(FakeSocket.all).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.all).toHaveLength(3);
    newest().onopen?.();
    expect(driver.state.name).toBe("open");
    expect(newest().of("move")).toEqual([]);
  });

  it("sends Stop another way while there is no socket", () => {
    driver.start();
    driver.stop(1);
    expect(heard.unsentStops).toBe(1);
  });

  it("notices silence: pings go unanswered, the socket is given up", () => {
    const socket = opened();
    vi.advanceTimersByTime(6_000);
    expect(socket.of("ping").length).toBeGreaterThanOrEqual(3);
    expect(socket.closed).toBe(false);
    vi.advanceTimersByTime(4_000);
    expect(socket.closed).toBe(true);
    expect(heard.links.some((link) => link.name === "waiting")).toBe(true);
  });

  it("stays while pings are answered", () => {
    const socket = opened();
    for (let second = 0; second < 30; second += 1) {
      vi.advanceTimersByTime(1_000);
      socket.say({ type: "ack", seq: socket.of("ping").at(-1)?.seq, kind: "ping" });
    }
    expect(driver.state.name).toBe("open");
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("starts anew when the other side speaks gibberish", () => {
    const socket = opened();
    socket.say("<html>");
    expect(socket.closed).toBe(true);
    expect(driver.state.name).toBe("waiting");
  });

  it("tries at once when nudged", () => {
    opened().onclose?.({ code: 1006 });
    driver.nudge();
    expect(FakeSocket.all).toHaveLength(2);
    vi.advanceTimersByTime(600);
    expect(FakeSocket.all).toHaveLength(2);
  });
});

describe("an end that no try mends", () => {
  it.each([
    [4401, "signed-out"],
    [4404, "no-such-camera"],
  ] as const)("ends on close code %i", (code, reason) => {
    opened().onclose?.({ code });
    expect(driver.state).toEqual({ name: "ended", reason });
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("leaves nothing running when closed", () => {
    const socket = opened();
    driver.close();
    expect(socket.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(driver.state.name).toBe("idle");
  });
});
