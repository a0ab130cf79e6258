import { expect, test } from "vitest";
import { bytes, duration, minutes, number, time } from "./format";

test("durations are clocks", () => {
  expect([-3, 0, 7.9, 760, 3723].map(duration)).toEqual(["0:00", "0:00", "0:07", "12:40", "1:02:03"]);
});

test("numbers of links are read", () => {
  expect(number("tel:+49%2030-123;ext=5")).toBe("+49 30-123");
  expect(number("web+tel:0800%")).toBe("0800%");
  expect(number(" callto://101 ")).toBe("101");
  expect(number("sip:101@example.com?subject=x")).toBe("101@example.com");
  expect(number("0301234")).toBe("0301234");
});

test("times of another day have a date, no time is empty", () => {
  const now = new Date("2026-11-29T12:00:00");
  expect(time("2026-11-29T08:00:00", now)).not.toMatch(/29/);
  expect(time("2026-11-28T08:00:00", now)).toMatch(/28/);
  expect(time("2025-11-28T08:00:00", now)).toMatch(/2025/);
  expect([time(undefined), time(""), time("never")]).toEqual(["", "", ""]);
});

test("sizes", () => {
  expect([bytes(12), bytes(3400), bytes(3_400_000)]).toEqual(["12 B", "3.4 kB", "3.4 MB"]);
});

test("clocks have 24 hours, whatever the language", () => {
  const at = new Date("2026-11-29T00:05:09");
  expect(time(at, at)).toBe("00:05:09");
  expect(minutes(at)).toBe("00:05");
  expect(time("2026-11-29T14:03:22", at)).toBe("14:03:22");
});
