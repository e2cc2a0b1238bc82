import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askNow, closeOwn, news, pending, watchEmergencies } from "./emergencies";
import { session } from "./session";

const OPENING = {
  id: "o1",
  camera_id: "c1",
  camera_name: "Pintu Air",
  opened_by: { username: "sari", display_name: "Ibu Sari" },
  category: "flood",
  incident: "112-0881",
  reason: "Banjir",
  state: "open",
  opened_at: "2026-03-01T11:59:00Z",
  over_at: "2026-03-01T12:59:00Z",
  review_by: "2026-03-08T12:59:00Z",
  may_close: true,
  may_review: false,
};

let asked: string[];
let answer: () => Promise<Response>;
let unwatch: () => void;

function items(...found: object[]): () => Promise<Response> {
  return () => Promise.resolve(new Response(JSON.stringify({ items: found, next: null })));
}

function enter(username: string): void {
  session.value = { name: "in", person: { username, displayName: username, role: null } };
}

function wait(ms: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-03-01T12:00:00Z") });
  asked = [];
  answer = items();
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push(`${init.method ?? "GET"} ${path}`);
    return answer();
  });
  session.value = { name: "out", lapsed: false };
  unwatch = watchEmergencies();
});

afterEach(() => {
  unwatch();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("asking what was opened", () => {
  it("begins with the sign-in, goes on every ten seconds, and ends with it", async () => {
    await wait(30_000);
    expect(asked).toEqual([]);
    enter("tono");
    await wait(20_000);
    expect(asked).toEqual(Array(3).fill("GET /api/v1/emergencies?limit=50&pending=true"));
    session.value = { name: "out", lapsed: false };
    await wait(30_000);
    expect(asked).toHaveLength(3);
    expect(pending.value).toBeNull();
  });

  it("rests while nobody looks, and is one question at a time", async () => {
    const isVisible = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    enter("tono");
    await wait(30_000);
    expect(asked).toEqual([]);
    isVisible.mockReturnValue("visible");
    answer = () => new Promise((resolve) => setTimeout(() => void items()().then(resolve), 9_900));
    document.dispatchEvent(new Event("visibilitychange"));
    askNow();
    askNow();
    await wait(0);
    expect(asked).toHaveLength(1);
    await wait(20_000);
    expect(asked.length).toBeLessThanOrEqual(3);
  });

  it("ends a sign-in that the service no longer knows", async () => {
    answer = () => Promise.resolve(new Response("{}", { status: 401 }));
    enter("tono");
    await wait(0);
    expect(session.value.name).toBe("out");
  });
});

describe("being told", () => {
  it("happens once for each opening, and is forgotten with the sign-in", async () => {
    answer = items(OPENING);
    enter("tono");
    await wait(0);
    expect(news.value.map((one) => one.id)).toEqual(["o1"]);
    news.value = [];
    await wait(20_000);
    expect(news.value).toEqual([]);
    answer = items({ ...OPENING, id: "o2" }, OPENING);
    await wait(10_000);
    expect(news.value.map((one) => one.id)).toEqual(["o2"]);
    enter("sari");
    expect(news.value).toEqual([]);
    await wait(0);
    expect(news.value).toEqual([]);
  });
});

describe("closing one's own", () => {
  it("closes the one that runs on this camera", async () => {
    answer = items(OPENING);
    enter("sari");
    await wait(0);
    expect(await closeOwn("c1")).toBeNull();
    expect(asked).toContain("DELETE /api/v1/emergencies/o1");
  });

  it("looks it up where it is not known yet, and says what went wrong", async () => {
    enter("sari");
    await wait(0);
    answer = items(OPENING);
    const closing = closeOwn("c1");
    answer = () => Promise.resolve(new Response("{}", { status: 503 }));
    expect((await closing)?.kind).toBe("overloaded");
    expect(asked).toContain("GET /api/v1/emergencies?limit=50&pending=true&camera=c1");
  });
});
