import { expect, test } from "vitest";
import type { CallEvent } from "../../lib/events.svelte";
import { Recent } from "./series";

const event = (at: string, type: string, cdr?: Record<string, unknown>): CallEvent => ({ seq: 1, at, type, call: "a", state: "", cdr });
const answered = (at: string, seconds: number) =>
  event(at, "attempt.ended", { disposition: "ANSWERED", started_at: "2026-11-29T12:00:00Z", answered_at: new Date(Date.parse("2026-11-29T12:00:00Z") + seconds * 1000).toISOString() });

test("what has happened since is added to the last point, or makes the next", () => {
  const r = new Recent();
  r.take({ step: 60, points: [{ at: "2026-11-29T12:00:00Z", attempts: 4, answered: 2, ended: 4, time_to_answer: 3 }] });
  expect(r.add(event("2026-11-29T12:00:30Z", "attempt.started"))).toBe(true);
  expect(r.add(event("2026-11-29T12:00:30Z", "leg.ringing"))).toBe(false);
  r.add(answered("2026-11-29T12:00:40Z", 6));
  expect(r.curves()).toEqual({ x: [1795953600], perMinute: [5], answerRate: [60], timeToAnswer: [4] });
  r.add(event("2026-11-29T12:01:01Z", "attempt.started"));
  expect(r.curves()).toMatchObject({ x: [1795953600, 1795953660], perMinute: [5, 1], answerRate: [60, null], timeToAnswer: [4, null] });
});

test("a server without history has no points, and the first event makes one", () => {
  const r = new Recent();
  r.take({ step: 60, points: [] });
  expect(r.curves().x).toEqual([]);
  r.add(event("2026-11-29T12:00:30Z", "attempt.started"));
  expect(r.curves().perMinute).toEqual([1]);
  expect(r.add(event("never", "attempt.started"))).toBe(false);
});
