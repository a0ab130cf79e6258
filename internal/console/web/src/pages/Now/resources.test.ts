import { expect, test } from "vitest";
import type { Stats } from "../../lib/types/call";
import { counters } from "./resources";

test("counters are sorted by kind, and idle phones are left out", () => {
  const stats = {
    live: 3,
    max_live: 10,
    resources: [
      { name: "server", in_use: 3, channels: 0, cps: 0 },
      { name: "phone:101", in_use: 0, channels: 2, cps: 0 },
      { name: "phone:102", in_use: 1, channels: 2, cps: 0 },
      { name: "account:sales", in_use: 3, channels: 3, cps: 1.5 },
      { name: "trunk:carrier", in_use: 2, channels: 0, cps: 0 },
    ],
  } as unknown as Stats;
  expect(counters(stats).map((c) => `${c.kind} ${c.name}: ${c.words}${c.full ? " full" : ""}`)).toEqual([
    "Server : 3 of 10 in use",
    "Trunk carrier: 2 in use, no cap",
    "Account sales: 3 of 3 in use, at most 1.5 new a second full",
    "Phone 102: 1 of 2 in use",
  ]);
});
