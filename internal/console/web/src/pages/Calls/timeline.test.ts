import { expect, it } from "vitest";
import type { CallEvent } from "../../lib/events.svelte";
import { steps } from "./timeline";

const event = (seq: number, type: string, more: Partial<CallEvent> = {}): CallEvent => ({ seq, type, at: "2026-11-29T10:00:00Z", call: "c", state: "", ...more });

it("tells a call in words", () => {
  const list = steps(
    [
      event(1, "call.accepted", { state: "queued" }),
      event(2, "attempt.started", { attempt: 1 }),
      event(3, "leg.ringing", { attempt: 1, leg: "a" }),
      event(4, "leg.answered", { attempt: 1, leg: "b" }),
      event(5, "call.connected", { attempt: 1, text: "+4930" }),
      event(6, "attempt.ended", { attempt: 1, failure: { text: "busy here", disposition: "BUSY" } }),
      event(7, "something.new"),
    ],
    { first: "101", second: "+4930" },
  );
  expect(list.map((s) => [s.text, s.more, s.kind])).toEqual([
    ["Accepted", "", "plain"],
    ["Attempt 1: dialling 101", "", "plain"],
    ["101 rings", "", "plain"],
    ["+4930 answered", "", "plain"],
    ["Connected with +4930", "", "good"],
    ["Attempt 1 ended", "Busy here.", "bad"],
    ["something.new", "", "plain"],
  ]);
});
