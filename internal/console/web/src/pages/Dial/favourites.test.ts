import { expect, test } from "vitest";
import { move, parse, put, remove } from "./favourites";

const list = [
  { name: "Ada", number: "101" },
  { name: "Ben", number: "102" },
  { name: "Cid", number: "103" },
];

test("what is stored is read with care", () => {
  expect(parse(JSON.stringify(list))).toEqual(list);
  for (const bad of [null, "", "{", "{}", "7", '[null, 3, {"name": "x"}, {"name": 1, "number": "1"}, {"name": "", "number": ""}]']) expect(parse(bad)).toEqual([]);
  expect(parse(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ name: "n", number: String(i) }))))).toHaveLength(100);
});

test("a number is there once", () => {
  expect(put(list, "102", " Benjamin ")).toEqual([list[0], { name: "Benjamin", number: "102" }, list[2]]);
  expect(put(list, "104", "")).toHaveLength(4);
  expect(remove(list, "102").map((f) => f.name)).toEqual(["Ada", "Cid"]);
});

test("they move by one, not over the edge", () => {
  const names = (l: typeof list) => l.map((f) => f.name).join(" ");
  expect(names(move(list, "102", -1))).toBe("Ben Ada Cid");
  expect(names(move(list, "102", 1))).toBe("Ada Cid Ben");
  expect([move(list, "101", -1), move(list, "103", 1), move(list, "9", 1)]).toEqual([list, list, list]);
});
