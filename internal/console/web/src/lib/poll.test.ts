import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Poll } from "./poll.svelte";

describe("Poll", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("reads at once, and again after its time", async () => {
    let n = 0;
    const p = new Poll(async () => ++n, { every: 5000 });
    const stop = p.use();
    await vi.advanceTimersByTimeAsync(0);
    expect(p.value).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(p.value).toBe(2);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(n).toBe(2);
  });

  it("reads once for many touches", async () => {
    let n = 0;
    const p = new Poll(async () => ++n, { every: 60_000, rest: 1000 });
    const stop = p.use();
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 50; i++) p.touch();
    await vi.advanceTimersByTimeAsync(999);
    expect(n).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(n).toBe(2);
    stop();
  });

  it("reads anew what was touched while it was read", async () => {
    let n = 0;
    let answer: (() => void) | undefined;
    const p = new Poll(
      () =>
        new Promise<number>((resolve) => {
          const mine = ++n;
          answer = () => resolve(mine);
        }),
      { every: 60_000, rest: 1000 },
    );
    const stop = p.use();
    p.touch();
    answer?.();
    await vi.advanceTimersByTimeAsync(1000);
    expect(n).toBe(2);
    stop();
  });

  it("keeps what it has when a reading fails, and recovers", async () => {
    let fail = false;
    const p = new Poll(
      async () => {
        if (fail) throw new Error("gone");
        return "here";
      },
      { every: 1000 },
    );
    const stop = p.use();
    await vi.advanceTimersByTimeAsync(0);
    fail = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(p.value).toBe("here");
    expect(p.error).toBeInstanceOf(Error);
    fail = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(p.error).toBeUndefined();
    stop();
  });
});
