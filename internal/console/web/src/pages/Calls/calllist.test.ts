import { describe, expect, it, vi } from "vitest";
import type { Call } from "../../lib/types/call";
import { CallList, type Answer } from "./calllist.svelte";

const call = (id: string, state = "ended") => ({ id, state }) as Call;

describe("CallList", () => {
  it("counts what is new, and keeps what is shown in its place", async () => {
    const answers: Answer[] = [{ calls: [call("b", "ringing"), call("a")], next: "n" }, { calls: [call("d"), call("c"), call("b")] }];
    const list = new CallList(() => Promise.resolve(answers.shift() ?? { calls: null }));
    await list.load(() => ({}), true);
    expect([list.items.length, list.next, list.fresh]).toEqual([2, "n", 0]);
    await list.look();
    expect(list.fresh).toBe(2);
    expect(list.items.map((c) => `${c.id} ${c.state}`)).toEqual(["b ended", "a ended"]);
  });

  it("looks once for many touches, and says when what is shown is old", async () => {
    vi.useFakeTimers();
    const read = vi.fn(() => Promise.resolve({ calls: [call("a")] } as Answer));
    const list = new CallList(read);
    await list.load(() => ({}), true);
    for (let i = 0; i < 50; i++) list.touch();
    read.mockRejectedValueOnce(new Error("gone"));
    await vi.advanceTimersByTimeAsync(1500);
    expect(read).toHaveBeenCalledTimes(2);
    expect(list.old).toBeInstanceOf(Error);
    expect(list.items).toHaveLength(1);
    list.touch();
    list.stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(read).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it("shows the first calls where nothing was", async () => {
    const answers: Answer[] = [{ calls: null }, { calls: [call("a")] }];
    const list = new CallList(() => Promise.resolve(answers.shift() ?? { calls: null }));
    await list.load(() => ({}), true);
    await list.look();
    expect([list.items.length, list.fresh]).toEqual([1, 0]);
  });
});
