import { expect, test } from "vitest";
import type { Call, Explanation } from "../../lib/types/call";
import { Follow, type Source } from "./follow.svelte";

const at = "2026-11-29T12:00:00Z";
const call = (state: string) => ({ id: "a", state, first: "101", second: "102", then: "connect", account: "x", door: "rest", created_at: at, due_at: at, attempts: 1, max_attempts: 1 }) as Call;

function server(state: string): Source & { state: string; asked: string[] } {
  const s = {
    state,
    asked: [] as string[],
    call: () => (s.asked.push("call"), Promise.resolve(call(s.state))),
    events: () => (s.asked.push("events"), Promise.resolve([{ seq: 1, at, type: "attempt.started", call: "a", state: "dialing" }, { seq: 2, at, type: "leg.ringing", call: "a", state: "ringing" }])),
    explain: () => (s.asked.push("explain"), Promise.resolve({ call: call("ended"), words: "It was busy.", attempts: [] } as Explanation)),
  };
  return s;
}

test("events move it, and its end is explained once", async () => {
  const s = server("ended");
  const f = new Follow(call("queued"), s);
  f.event({ seq: 1, at, type: "leg.ringing", call: "other", state: "ringing" });
  expect(f.row.state).toBe("queued");
  f.event({ seq: 2, at, type: "leg.ringing", call: "a", state: "ringing" });
  expect(f.row.state).toBe("ringing");
  f.event({ seq: 3, at, type: "call.ended", call: "a", state: "ended" });
  await f.read();
  expect([f.over, f.end?.words, s.asked]).toEqual([true, "It was busy.", ["explain", "call"]]);
});

test("an end that the stream did not tell is found by reading", async () => {
  const s = server("ended");
  const f = new Follow(call("ringing"), s);
  f.lost();
  await Promise.resolve();
  await new Promise((r) => setTimeout(r, 0));
  expect(f.end?.words).toBe("It was busy.");
});

test("since when it rings is asked for, if that happened before anybody listened", async () => {
  const s = server("ringing");
  const f = new Follow(call("queued"), s);
  await f.read();
  expect([f.row.state, f.row.since, s.asked]).toEqual(["ringing", Date.parse(at), ["call", "events"]]);
});
