import { beforeEach, expect, test, vi } from "vitest";
import type { CallEvent } from "../../lib/events.svelte";
import type { Call, Stats } from "../../lib/types/call";
import { LiveCalls, type Source } from "./livecalls.svelte";

const at = "2026-11-29T12:00:00Z";

function call(id: string, state = "ringing", more: Partial<Call> = {}): Call {
  return { id, state, account: "sales", first: "101", second: `+4930${id}`, first_dialled: "PJSIP/101", then: "connect", door: "rest", created_at: at, due_at: at, attempts: 1, max_attempts: 1, ...more } as Call;
}

function event(seq: number, id: string, type: string, state: string, more: Partial<CallEvent> = {}): CallEvent {
  return { seq, at, type, call: id, state, ...more };
}

/** A server with these calls; frames are run by hand. */
class Server implements Source {
  seq = 10;
  started = at;
  list: Call[] = [];
  requests: string[] = [];
  frames: (() => void)[] = [];
  fail = false;

  stats = (): Promise<{ stats: Stats; skew: number }> => {
    this.requests.push("stats");
    if (this.fail) return Promise.reject(new Error("unreachable"));
    return Promise.resolve({ stats: { last_seq: this.seq, started_at: this.started, live: this.list.length, resources: [] } as unknown as Stats, skew: 0 });
  };
  calls = (q: { state: string[]; limit: number; cursor?: string }): Promise<{ calls: Call[]; next?: string }> => {
    this.requests.push(`calls ${q.state[0]} ${q.limit}`);
    const all = this.list.filter((c) => q.state.includes(c.state));
    const from = Number(q.cursor ?? 0);
    return Promise.resolve({ calls: all.slice(from, from + q.limit), next: from + q.limit < all.length ? String(from + q.limit) : undefined });
  };
  call = (id: string): Promise<Call> => {
    this.requests.push(`call ${id}`);
    const c = this.list.find((x) => x.id === id);
    return c ? Promise.resolve(c) : Promise.reject(new Error("gone"));
  };
  events = (id: string): Promise<CallEvent[]> => {
    this.requests.push(`events ${id}`);
    return Promise.resolve([event(3, id, "attempt.started", "dialing"), event(4, id, "leg.ringing", "ringing", { at: "2026-11-29T11:59:00Z" })]);
  };
  frame = (f: () => void): void => void this.frames.push(f);
  paint(): void {
    for (const f of this.frames.splice(0)) f();
  }
}

let server: Server;
let live: LiveCalls;
const shown = () => [...live.calls.values()].map((c) => `${c.id} ${c.state}`);

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  live = new LiveCalls(server);
});

test("reads all pages, then goes on with the events that are newer", async () => {
  for (let i = 0; i < 1200; i++) server.list.push(call(`c${i}`));
  live.event(event(9, "c0", "call.ended", "ended")); // older than what was read
  live.event(event(11, "c1", "leg.answered", "answered"));
  await live.read();
  server.paint();
  expect(live.calls.size).toBe(1200);
  expect(shown().slice(0, 2)).toEqual(["c0 ringing", "c1 answered"]);
  expect(server.requests.filter((r) => r.startsWith("calls dialing"))).toHaveLength(3);
});

test("many events are one picture", async () => {
  server.list = [call("a", "dialing")];
  await live.read();
  for (let i = 0; i < 50; i++) live.event(event(11 + i, "a", i % 2 ? "leg.ringing" : "leg.progress", i % 2 ? "ringing" : "dialing"));
  expect(server.frames).toHaveLength(1);
  server.paint();
  expect(shown()).toEqual(["a ringing"]);
});

test("calls that are not known are fetched together, with what was said of them", async () => {
  await live.read();
  server.requests = [];
  for (const id of ["n1", "n2", "n3"]) {
    server.list.push(call(id, "dialing"));
    live.event(event(server.seq++ + 1, id, "call.accepted", "queued"));
    live.event(event(server.seq++ + 1, id, "attempt.started", "dialing"));
  }
  server.list.push(...Array.from({ length: 30 }, (_, i) => call(`x${i}`)), call("old", "dialing"));
  live.event(event(server.seq++ + 1, "old", "attempt.started", "dialing"));
  server.paint();
  await vi.advanceTimersByTimeAsync(300);
  expect(server.requests).toEqual(["calls dialing 20", "call old"]);
  expect(shown()).toEqual(["n1 dialing", "n2 dialing", "n3 dialing", "old dialing"]);
  expect(live.calls.get("n1")?.since).toBe(Date.parse(at));
});

test("a call that ends goes to the ended ones, with words", async () => {
  server.list = [call("a", "ringing")];
  await live.read();
  live.event(event(11, "a", "attempt.ended", "ringing", { cdr: { disposition: "BUSY", billable: 0 }, failure: { disposition: "BUSY", text: "busy here" } }));
  live.event(event(12, "a", "call.ended", "ended"));
  server.paint();
  expect(live.calls.size).toBe(0);
  expect(live.ended[0]).toMatchObject({ id: "a", first: "101", second: "+4930a", end: { disposition: "BUSY", words: "Busy here." } });
});

test("calls that were over before they were known get their numbers in one request", async () => {
  await live.read();
  server.requests = [];
  for (const id of ["s1", "s2"]) {
    server.list.push(call(id, "ended"));
    live.event(event(server.seq++ + 1, id, "attempt.started", "dialing"));
    live.event(event(server.seq++ + 1, id, "call.ended", "ended"));
  }
  server.paint();
  await vi.advanceTimersByTimeAsync(300);
  expect(server.requests).toEqual(["calls ended 40"]);
  expect(live.ended.map((e) => e.second)).toEqual(["+4930s2", "+4930s1"]);
  expect(live.calls.size).toBe(0);
});

test("a call that waits to be tried again is not live", async () => {
  server.list = [call("a", "ringing")];
  await live.read();
  live.event(event(11, "a", "call.retry", "waiting-retry"));
  server.paint();
  expect(live.calls.size).toBe(0);
  expect(live.ended).toHaveLength(0);
});

test("what ended while the stream was gone is gone after reading again", async () => {
  server.list = [call("a"), call("b")];
  await live.read();
  const gone = live.calls.get("a");
  server.list = [call("b", "connected")];
  server.started = "2026-11-29T12:30:00Z";
  live.lost();
  await vi.advanceTimersByTimeAsync(1);
  expect(shown()).toEqual(["b connected"]);
  expect(gone?.live).toBe(false);
  expect(live.restartedAt).toBe(Date.parse(server.started));
});

test("a server that does not answer is asked again", async () => {
  server.fail = true;
  await live.read();
  expect(live.problem).toBeInstanceOf(Error);
  server.fail = false;
  await vi.advanceTimersByTimeAsync(1100);
  expect([live.problem, live.ready]).toEqual([undefined, true]);
});

test("when a state began is asked for the rows that are shown", async () => {
  server.list = [call("a")];
  await live.read();
  await live.begun([...live.calls.values()]);
  expect(live.calls.get("a")?.since).toBe(Date.parse("2026-11-29T11:59:00Z"));
});

test("rows are found by any of their texts", async () => {
  server.list = [call("a", "ringing", { principal: "123@t", reference: "Order 77" })];
  await live.read();
  const row = live.calls.get("a");
  expect(["123@T", "order 77", "+4930", "nobody"].map((t) => row?.matches(t.toLowerCase().split(" ")))).toEqual([true, true, true, false]);
});
