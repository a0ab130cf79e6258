import { describe, expect, it } from "vitest";
import type { Import, Mapping } from "../../lib/types/lists";
import { batchName, choose, formOf, mappingOf, variableName } from "./mapping";

const list = (names: string[], mapping: Mapping = {}): Import => ({
  id: "i",
  name: "list May.csv",
  format: "csv",
  header: true,
  rows: 3,
  columns: names.map((name, index) => ({ index, name, samples: [] })),
  warnings: [],
  state: "uploaded",
  processed: 0,
  accepted: 0,
  refused: 0,
  created_at: "",
  principal: "p",
  account: "a",
  mapping,
});

describe("mapping", () => {
  it("begins with what the columns look like", () => {
    const f = formOf(list(["Name", "Telefon"], { second: { column: 1 }, first: { value: "101" }, variables: { WHO: { column: 0 }, X: { value: "y" } } }));
    expect(f.uses).toEqual(["variable", "second"]);
    expect(f.batch).toBe("list-May");
    expect(mappingOf(f)).toEqual({ mapping: { second: { column: 1 }, first: { value: "101" }, variables: { WHO: { column: 0 }, X: { value: "y" } } }, problems: [] });
  });

  it("says what is missing", () => {
    const f = formOf(list(["a", "b"]));
    expect(mappingOf(f).problems).toHaveLength(2);
    f.uses = ["variable", "variable"];
    f.variables = ["A", " A "];
    expect(mappingOf(f).problems[1]).toBe("There are two variables A.");
  });

  it("gives a field to one column only, and a column goes before a fixed value", () => {
    const f = formOf(list(["a", "b"], { second: { column: 0 } }));
    choose(f, 1, "second");
    f.fixed.second = "110";
    f.fixed.first = " 101 ";
    expect(f.uses).toEqual(["", "second"]);
    expect(mappingOf(f).mapping).toEqual({ second: { column: 1 }, first: { value: "101" } });
  });

  it("makes names", () => {
    expect([variableName("Kunden-Nr."), variableName("1st"), variableName("<b>"), variableName("Größe"), variableName("名前")]).toEqual(["KUNDEN_NR", "COLUMN_1ST", "B", "GROSSE", ""]);
    expect([batchName("a/b c.xlsx"), batchName("..csv")]).toEqual(["a-b-c", "."]);
  });
});
