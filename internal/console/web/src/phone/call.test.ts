import { expect, test } from "vitest";
import { reason, tones } from "./call";

test("ends are told in words", () => {
  expect(reason("Terminated", true)).toBe("You have hung up.");
  expect(reason("Terminated", false)).toBe("The call is over.");
  expect(reason("Busy", false, 486, "Busy Here")).toBe("Busy. (486 Busy Here)");
  expect(reason("Rejected", true, 0)).toBe("You have refused the call.");
  expect(reason("Something New", false)).toContain("Something New");
});

test("only what can be sent is sent", () => {
  expect(tones("12 a#*x,<b>")).toBe("12A#*,B");
});
