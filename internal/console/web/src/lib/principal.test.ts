import { expect, test } from "vitest";
import { principalOf } from "./principal";

test("who asks, as calls have it", () => {
  expect(principalOf({ name: "123@t", role: "user" })).toBe("console:123@t");
  expect(principalOf({ name: "", role: "admin" })).toBe("console");
  expect(principalOf({ name: "crm", role: "key" })).toBe("crm");
  expect(principalOf(undefined)).toBe("");
});
