import { expect, test } from "vitest";
import type { CallEvent } from "./events.svelte";
import { endOf, outcome, sentence } from "./outcome";
import type { Call } from "./types/call";

const event = (type: string, state: string, more: Partial<CallEvent> = {}): CallEvent => ({ seq: 1, at: "", type, call: "a", state, ...more });

test("the end of a call is what its last attempt said, unless its own end says more", () => {
  const attempt = endOf(event("attempt.ended", "connected", { cdr: { disposition: "ANSWERED", billable: 35 } }));
  expect(attempt).toEqual({ disposition: "ANSWERED", talked: 35, words: "Connected for 0:35." });
  expect(endOf(event("call.ended", "ended"), attempt)).toEqual(attempt);
  expect(endOf(event("call.cancelled", "cancelled")).words).toBe("It was cancelled.");
  expect(endOf(event("call.expired", "cancelled")).words).toBe("Its time passed before it could be dialled.");
  expect(endOf(event("call.ended", "ended", { failure: { disposition: "FAILED", peer: "Not here" } }))).toEqual({ disposition: "FAILED", talked: undefined, words: "Not here." });
});

test("the reason of the server goes before our own words", () => {
  expect(outcome({ state: "ended", reason: "busy: leg B: Busy Here (SIP 486)" } as Call)).toBe("Busy: leg B: Busy Here (SIP 486)");
  expect(outcome({ state: "cancelled" } as Call)).toBe("It was cancelled.");
  expect(outcome({ state: "ended", disposition: "NO ANSWER" } as Call)).toBe("Nobody answered.");
});

test("sentences", () => {
  expect([sentence(" busy here "), sentence("Gone!"), sentence("")]).toEqual(["Busy here.", "Gone!", ""]);
});
