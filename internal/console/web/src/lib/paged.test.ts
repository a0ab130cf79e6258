import { describe, expect, it } from "vitest";
import { Paged } from "./paged.svelte";

describe("Paged", () => {
  it("adds pages until there is none", async () => {
    const p = new Paged<number>(async (cursor) => (cursor === "" ? { items: [1, 2], next: "b" } : { items: [3] }));
    await p.load();
    expect(p.items).toEqual([1, 2]);
    await p.more();
    expect(p.items).toEqual([1, 2, 3]);
    expect(p.next).toBe("");
    await p.more();
    expect(p.items).toEqual([1, 2, 3]);
  });

  it("shows what was asked for last", async () => {
    const answers: ((items: number[]) => void)[] = [];
    const p = new Paged<number>(() => new Promise((resolve) => answers.push((items) => resolve({ items }))));
    const first = p.load();
    const second = p.load();
    answers[1]?.([2]);
    await second;
    answers[0]?.([1]);
    await first;
    expect(p.items).toEqual([2]);
    expect(p.busy).toBe("");
  });

  it("keeps the list when a page fails", async () => {
    let fail = false;
    const p = new Paged<number>(async () => {
      if (fail) throw new Error("gone");
      return { items: [1], next: "b" };
    });
    await p.load();
    fail = true;
    await p.more();
    expect(p.items).toEqual([1]);
    expect(p.error).toBeInstanceOf(Error);
  });
});
