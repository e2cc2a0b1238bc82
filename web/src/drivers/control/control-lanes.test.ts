import { describe, expect, it, vi } from "vitest";
import { DOUBT_MS, MOST_UNSENT_DATAGRAM_BYTES } from "./datagram-lane";
import { bound, driver, FakeChannel, FREE, heard, newest, opened, ours, RIGHT, withDriver } from "./driver-kit";

withDriver();

describe("a press and its lease", () => {
  it("names the lease in which it steers, from when that is told", () => {
    const socket = opened();
    socket.say(FREE);
    driver.move(RIGHT, 1);
    socket.say(ours(7));
    driver.move(RIGHT, 1);
    driver.stop(1);
    expect(socket.of("move").map((move) => move.fence)).toEqual([undefined, 7]);
    expect(socket.of("stop")[0]).toMatchObject({ gesture: 1, fence: 7 });
  });

  it("does not take a camera anew in the middle of a press: its moves stay with the lease that is lost", () => {
    const socket = opened();
    socket.say(FREE);
    driver.ask({ type: "take" });
    socket.say(ours(7));
    driver.move(RIGHT, 1);
    socket.say(FREE); // taken over and released in between, perhaps
    driver.move(RIGHT, 1);
    driver.stop(1);
    driver.move(RIGHT, 2);
    expect(socket.of("move").map((move) => move.fence)).toEqual([7, 7, undefined]);
    expect(socket.of("stop")[0]?.fence).toBeUndefined(); // whoever presses STOP on a free camera means it
  });

  it("begins anew with a new socket, which gets a number of its own by its first command", () => {
    const socket = opened();
    socket.say(FREE);
    driver.move(RIGHT, 1);
    socket.say(ours(7));
    socket.onclose?.({ code: 1006 });
    vi.advanceTimersByTime(500);
    newest().onopen?.();
    newest().say(ours(7)); // the old socket's
    driver.move(RIGHT, 2);
    driver.move(RIGHT, 2);
    newest().say(ours(7)); // sent before our move came there
    driver.move(RIGHT, 2);
    newest().say(ours(8));
    driver.move(RIGHT, 2);
    expect(newest().of("move").map((move) => move.fence)).toEqual([undefined, undefined, undefined, 8]);
  });

  it("sends no number that was told before anything else was known of this socket", () => {
    const socket = opened();
    driver.move(RIGHT, 1);
    socket.say(ours(7));
    driver.move(RIGHT, 1);
    socket.say(ours(8));
    driver.move(RIGHT, 1);
    expect(socket.of("move").map((move) => move.fence)).toEqual([undefined, undefined, 8]);
  });

  it("tells the delay that was measured", () => {
    const socket = opened();
    driver.move(RIGHT, 1);
    driver.totalDelayMs = 712.4;
    driver.move(RIGHT, 1);
    expect(socket.of("move").map((move) => move.delay_ms)).toEqual([undefined, 712]);
  });

  it.each(["fenced", "held", "reserved", "not-on-record"])("ends with the first %s, said once, and a new press may follow", (code) => {
    const socket = opened();
    driver.move(RIGHT, 1);
    driver.move(RIGHT, 1);
    for (const move of socket.of("move")) socket.say({ type: "error", seq: move.seq, code, detail: "" });
    expect(heard.pressesEnded).toEqual([true]);
    driver.move(RIGHT, 2);
    socket.say({ type: "error", seq: socket.of("move").at(-1)?.seq, code, detail: "" });
    expect(heard.pressesEnded).toEqual([true, true]);
  });

  it("outlives the refusal of a wish, and of a single move", () => {
    const socket = opened();
    driver.move(RIGHT, 1);
    driver.ask({ type: "reserve", reason: "parade", limit_s: 900 });
    socket.say({ type: "error", seq: socket.of("reserve")[0]?.seq, code: "held", detail: "" });
    socket.say({ type: "error", seq: socket.of("move")[0]?.seq, code: "stale", detail: "" });
    expect(heard.refusals.map((refused) => refused.code)).toEqual(["held", "stale"]);
    expect(heard.pressesEnded).toEqual([false, false]);
  });

  it("tells of a refused wish whatever was answered in between", () => {
    const socket = opened();
    driver.ask({ type: "goto", preset: "2" });
    driver.stop(0);
    socket.say({ type: "ack", seq: socket.of("stop")[0]?.seq, kind: "stop" });
    socket.say({ type: "error", seq: socket.of("goto")[0]?.seq, code: "camera-fault", detail: "" });
    expect(heard.refusals.map((refused) => refused.code)).toEqual(["camera-fault"]);
    socket.say({ type: "error", seq: null, code: "not-on-record", detail: "" });
    expect(heard.refusals.at(-1)?.code).toBe("not-on-record");
  });
});

describe("moves as datagrams", () => {
  it("are bound once it is known that one may steer, and then carry moves; questions stay on the socket", () => {
    const socket = opened();
    const channel = new FakeChannel();
    driver.offerChannel({ video: "v1", channel: channel as unknown as RTCDataChannel });
    expect(socket.of("datagrams")).toEqual([]);
    socket.say(FREE);
    socket.say(FREE);
    expect(socket.of("datagrams")).toHaveLength(1);
    driver.move(RIGHT, 1);
    expect(channel.of("move")).toEqual([]); // not before the service said yes
    socket.say({ type: "ack", seq: socket.of("datagrams")[0]?.seq, kind: "datagrams" });
    driver.move(RIGHT, 1);
    driver.ask({ type: "take" });
    expect(channel.of("move")).toHaveLength(1);
    expect(channel.of("move")[0]).toMatchObject({ gesture: 1 });
    expect(socket.of("move")).toHaveLength(1);
    expect(socket.of("take")).toHaveLength(1);
    expect(heard.lanes).toEqual(["datagrams"]);
  });

  it("do not happen where the service refuses, and nobody is bothered with that", () => {
    const socket = opened();
    socket.say(FREE);
    driver.offerChannel({ video: "v1", channel: new FakeChannel() as unknown as RTCDataChannel });
    socket.say({ type: "error", seq: socket.of("datagrams")[0]?.seq, code: "no-video", detail: "" });
    socket.say(FREE);
    driver.move(RIGHT, 1);
    expect(socket.of("move")).toHaveLength(1);
    expect(socket.of("datagrams")).toHaveLength(1);
    expect(heard.refusals).toEqual([]);
  });

  it("stop both ways, with one number, and a refusal of both is said once", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    driver.move(RIGHT, 4);
    driver.stop(4);
    expect(channel.of("stop")).toEqual(socket.of("stop"));
    expect(channel.of("stop")[0]).toMatchObject({ gesture: 4 });
    const refused = { type: "error", seq: socket.of("stop")[0]?.seq, code: "held", detail: "" };
    socket.say(refused);
    channel.say(refused);
    expect(heard.refusals).toHaveLength(1);
  });

  it.each([
    ["closed", (channel: FakeChannel): void => void (channel.readyState = "closed")],
    ["is full", (channel: FakeChannel): void => void (channel.bufferedAmount = MOST_UNSENT_DATAGRAM_BYTES + 1)],
    ["went with its video session", (): void => driver.offerChannel(null)],
  ] as const)("go over the socket at once when the channel %s", (_name, hurt) => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    driver.move(RIGHT, 1);
    hurt(channel);
    driver.move(RIGHT, 1);
    expect([channel.of("move").length, socket.of("move").length]).toEqual([1, 1]);
    driver.stop(1);
    expect(socket.of("stop")).toHaveLength(1);
  });

  it("go over the socket after a quarter of a second without any answer, and try again later", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    for (let beat = 0; beat < 6; beat += 1) {
      driver.move(RIGHT, 1);
      vi.advanceTimersByTime(100);
    }
    expect(channel.of("move")).toHaveLength(3); // at 0, 100 and 200 ms
    expect(socket.of("move")).toHaveLength(3);
    expect(heard.lanes).toEqual(["datagrams", "socket"]);
    vi.advanceTimersByTime(DOUBT_MS);
    driver.move(RIGHT, 1);
    expect(channel.of("move")).toHaveLength(4);
    expect(heard.lanes).toEqual(["datagrams", "socket", "datagrams"]);
  });

  it("stay while answers come the same way, and those measure the delay", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    for (let beat = 0; beat < 20; beat += 1) {
      driver.move(RIGHT, 1);
      vi.advanceTimersByTime(100);
      channel.say({ type: "ack", seq: channel.of("move").at(-1)?.seq, kind: "move" });
    }
    expect(channel.of("move")).toHaveLength(20);
    expect(socket.of("move")).toEqual([]);
    expect(heard.latencies.filter(([, kind]) => kind === "move")).toHaveLength(20);
  });

  it("learn how long answers take on a slow link, and are not doubted for that again", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    const press = (gesture: number): void => {
      for (let beat = 0; beat < 20; beat += 1) {
        const before = channel.of("move").length;
        driver.move(RIGHT, gesture);
        for (const move of channel.of("move").slice(before)) setTimeout(() => channel.say({ type: "ack", seq: move.seq, kind: "move" }), 400);
        vi.advanceTimersByTime(100);
      }
    };
    press(1);
    expect(heard.lanes).toEqual(["datagrams", "socket", "datagrams"]);
    vi.advanceTimersByTime(2_000);
    socket.say(FREE); // not silent
    const overSocket = socket.of("move").length;
    press(2);
    expect(socket.of("move")).toHaveLength(overSocket);
    expect(heard.lanes.at(-1)).toBe("datagrams");
  });

  it("are bound anew by a new socket and by a new video session", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    socket.onclose?.({ code: 1006 });
    driver.move(RIGHT, 1);
    expect(channel.of("move")).toEqual([]);
    vi.advanceTimersByTime(500);
    newest().onopen?.();
    newest().say(FREE);
    expect(newest().of("datagrams")[0]?.video).toBe("v1");
    const next = bound(newest(), "v2");
    driver.move(RIGHT, 1);
    expect(channel.of("move")).toEqual([]);
    expect(next.of("move")).toHaveLength(1);
  });

  it("are given up, but not the socket, when gibberish comes that way", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    channel.say("<html>");
    driver.move(RIGHT, 1);
    expect(socket.of("move")).toHaveLength(1);
    expect(driver.state.name).toBe("open");
  });

  it("cannot tell a state: that is the socket's", () => {
    const socket = opened();
    socket.say(FREE);
    const channel = bound(socket);
    const count = heard.states.length;
    channel.say(ours(3));
    expect(heard.states).toHaveLength(count);
  });
});
