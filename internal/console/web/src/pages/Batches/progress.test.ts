import { expect, it } from "vitest";
import type { Batch } from "../../lib/types/lists";
import { done, open, parts } from "./progress";

const batch = (b: Partial<Batch>): Batch => ({ batch: "b", account: "a", created_at: "", paused: false, calls: 0, waiting: 0, live: 0, ended: 0, cancelled: 0, dispositions: {}, ...b });

it("divides the bar", () => {
  const list = parts(batch({ calls: 10, waiting: 2, live: 1, ended: 6, cancelled: 1, dispositions: { ANSWERED: 3, BUSY: 2 } }));
  expect(list.map((p) => [p.title, p.share])).toEqual([
    ["3 answered", 30],
    ["2 busy", 20],
    ["1 ended otherwise", 10],
    ["1 cancelled", 10],
    ["1 live", 10],
    ["2 waiting", 20],
  ]);
  expect(parts(batch({}))).toEqual([]);
});

it("is done when nothing is left", () => {
  expect(done(batch({ calls: 1000, ended: 999 }))).toBe(99);
  expect(done(batch({ calls: 2, ended: 1, cancelled: 1 }))).toBe(100);
  expect(done(batch({}))).toBe(0);
  expect(open(batch({ waiting: 5, live: 2 }))).toBe(7);
});
