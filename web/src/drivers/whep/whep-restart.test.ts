import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WhepAnswer } from "../../api/calls";
import { localProblem, problemOf } from "../../api/problem";
import { failure, success, type Result } from "../../api/result";
import { Backoff, RECONNECT } from "../backoff";
import { Relays } from "./relays";
import type { WhepState } from "./states";
import { FakePeer, flow, newest, pass } from "./whep-kit";
import { WhepDriver } from "./whep-driver";

const LINKS = '<turn:t.example:3478?transport=udp>; rel="ice-server"; username="u"; credential="c"; credential-type="password"';
const RELAYS = [{ urls: "turn:t.example:3478?transport=udp", username: "u", credential: "c" }];
const SDP = "v=0\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\na=mid:0\r\n";
const FRAGMENT = success<WhepAnswer>({ sdp: "a=ice-ufrag:c\r\na=ice-pwd:d\r\n", session: null, links: null });

let links: string | null;
let offers: number;
let ended: string[];
let restarts: [string, string][];
let fragments: Result<WhepAnswer>[];
let relays: (readonly RTCIceServer[])[];
let states: WhepState[];
let driver: WhepDriver;

beforeEach(() => {
  vi.useFakeTimers();
  FakePeer.all = [];
  FakePeer.areReachable = false;
  links = LINKS;
  offers = 0;
  ended = [];
  restarts = [];
  fragments = [];
  relays = [];
  states = [];
  driver = new WhepDriver(
    {
      offer: () => {
        offers += 1;
        return Promise.resolve(success({ sdp: SDP, session: `/whep/${offers}`, links }));
      },
      restart: (session, fragment) => {
        restarts.push([session, fragment]);
        return Promise.resolve(fragments.shift() ?? FRAGMENT);
      },
      end: (session) => ended.push(session),
      show: () => Promise.resolve(failure(localProblem("network"))),
      ask: () => Promise.resolve(failure(localProblem("network"))),
      makePeer: (through) => {
        relays.push(through);
        return { connection: new FakePeer() as unknown as RTCPeerConnection, control: null, hold: () => undefined };
      },
      isShown: () => true,
    },
    { onState: (state) => states.push(state), onStream: () => undefined, onSound: () => undefined, onDelay: () => undefined, onView: () => undefined, onChannel: () => undefined },
    new Backoff(RECONNECT, () => 0.5),
    new Relays(),
  );
});

afterEach(() => {
  driver.close();
  vi.useRealTimers();
});

describe("another network", () => {
  beforeEach(async () => {
    driver.start();
    await pass(0);
    newest().become("connected");
    await flow(1_000);
  });

  it("restarts ICE within the session", async () => {
    driver.reroute();
    await pass(0);
    expect(restarts).toEqual([["/whep/1", "a=ice-ufrag:new1\r\na=ice-pwd:secret\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n"]]);
    expect(newest().remote).toEqual({ type: "answer", sdp: "v=0\r\na=ice-ufrag:c\r\na=ice-pwd:d\r\na=mid:0\r\n" });
    expect(newest().configuration).toEqual({ bundlePolicy: "max-bundle", iceServers: RELAYS });
    await flow(1_000);
    expect(driver.state.name).toBe("live");
    expect([offers, ended.length]).toEqual([1, 0]);
  });

  it("is noticed by frames that fail to come, sooner than the browser says so", async () => {
    await pass(1_600);
    expect(restarts).toHaveLength(1);
    await flow(4_000);
    expect(restarts).toHaveLength(1);
    expect(driver.state.name).toBe("live");
  });

  it("is tried again soon while the service is not reached", async () => {
    fragments = [failure(localProblem("network")), failure(localProblem("network"))];
    newest().become("disconnected");
    await pass(0);
    expect(restarts).toHaveLength(1);
    await pass(2_600);
    expect(restarts).toHaveLength(3);
    newest().become("connected");
    await flow(6_000);
    expect([driver.state.name, offers]).toEqual(["live", 1]);
  });

  it("ends with a new session when the old one is gone", async () => {
    fragments = [failure(problemOf(404, null, null))];
    driver.reroute();
    await pass(0);
    expect(driver.state).toMatchObject({ name: "retrying", fault: { kind: "ice" } });
    await pass(500);
    expect(offers).toBe(2);
  });

  it("is nothing to a driver that was closed meanwhile", async () => {
    driver.reroute();
    driver.close();
    await pass(5_000);
    expect(newest().remote).toEqual({ type: "answer", sdp: SDP });
    expect(driver.state.name).toBe("idle");
  });
});

describe("relays", () => {
  it("are left alone while the straight way works", async () => {
    driver.start();
    await pass(0);
    newest().become("connected");
    await flow(5_000);
    expect([relays, restarts]).toEqual([[[]], []]);
  });

  it("are tried in the same session when nothing came by the straight way, and at once the next time", async () => {
    driver.start();
    await pass(1_900);
    expect(restarts).toEqual([]);
    await pass(200);
    expect(restarts).toHaveLength(1);
    expect(newest().configuration.iceServers).toEqual(RELAYS);
    newest().become("connected");
    await flow(1_000);
    expect([driver.state.name, offers]).toEqual(["live", 1]);
    newest().become("failed");
    await pass(500);
    expect(relays.at(-1)).toEqual(RELAYS);
    newest().become("connected");
    driver.reroute(); // another network may need none
    newest().become("failed");
    await pass(2_000);
    expect(relays.at(-1)).toEqual([]);
  });

  it("are not tried where there are none", async () => {
    links = null;
    driver.start();
    await pass(5_000);
    expect(restarts).toEqual([]);
  });
});
