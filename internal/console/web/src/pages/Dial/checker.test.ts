import { expect, test, vi } from "vitest";
import { Checker, type Ask, type Verdict } from "./checker.svelte";

vi.useFakeTimers();

test("only what is still on the form is asked, and only its answer counts", async () => {
  const asked: string[] = [];
  const answers: ((v: Verdict) => void)[] = [];
  const signals: AbortSignal[] = [];
  const ask: Ask = {
    route: (number) => Promise.resolve({ typed: number, steps: [] }),
    check: (body, signal) => {
      asked.push(body.second ?? "");
      signals.push(signal);
      return new Promise((resolve) => answers.push(resolve));
    },
  };
  const c = new Checker(ask, true);
  for (const second of ["1", "10", "101"]) c.look({ first: "100", second });
  expect(c.busy).toBe(true);
  await vi.advanceTimersByTimeAsync(250);
  expect(asked).toEqual(["101"]);
  c.look({ first: "100", second: "102" });
  expect(signals[0]?.aborted).toBe(true);
  answers[0]?.({ accepted: false, rules: [], text: "too late" });
  await vi.advanceTimersByTimeAsync(250);
  answers[1]?.({ accepted: true, rules: [] });
  await vi.advanceTimersByTimeAsync(0);
  expect([c.busy, c.answer?.number, c.answer?.verdict?.accepted, c.answer?.trace?.typed]).toEqual([false, "102", true, "102"]);
  c.look(undefined);
  expect(c.answer).toBeUndefined();
});

test("a server that is gone is told, and no steps where they may not be seen", async () => {
  const gone = new Error("unreachable");
  const route = vi.fn();
  const c = new Checker({ route, check: () => Promise.reject(gone) }, false);
  c.look({ first: "100", second: "1" });
  await vi.advanceTimersByTimeAsync(250);
  expect([c.answer?.problem, c.busy]).toEqual([gone, false]);
  expect(route).not.toHaveBeenCalled();
});
