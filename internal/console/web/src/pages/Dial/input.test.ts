import { expect, test } from "vitest";
import { read } from "./input";

test.each([
  ["+49 (30) 123-45", "+49 (30) 123-45"],
  ["  101 ", "101"],
  ["tel:+49%2030-123;ext=5", "+49 30-123"],
  ["web+tel:0800123", "0800123"],
  ["sip:101@example.com", "101@example.com"],
  ["vodia://pbx.example?dial=%2B4930123&name=Ben", "+4930123"],
  ["https://pbx.example/dialproxy/tel?ext=office&num=%2B49+30+123", "+49 30 123"],
  ["https://pbx.example/console/#/dial?number=tel%3A%2B4930123", "+4930123"],
  ["+49\u00a030\u2011123\u200b", "+49 30-123"],
  ["\u202d0301234\u202c", "0301234"],
  ["PJSIP/101", "PJSIP/101"],
  ["*43", "*43"],
  ["0800%", "0800%"],
])("%j is the number %j", (text, number) => {
  expect(read(text)).toEqual({ number, choices: [], problem: "" });
});

test("nothing is no mistake", () => {
  expect(read(" \u200b\n ")).toEqual({ number: "", choices: [], problem: "" });
});

test("several numbers are offered, none is dialled", () => {
  expect(read("+49 30 123\n+49 30 124\n+49 30 123")).toEqual({ number: "", choices: ["+49 30 123", "+49 30 124"], problem: "These are 2 numbers. Choose one, or import them as a list." });
  const many = read(Array.from({ length: 500 }, (_, i) => 30000 + i).join(";"));
  expect(many.choices).toHaveLength(8);
  expect(many.problem).toContain("500 numbers, the first 8");
});

test("a number in a sentence is offered", () => {
  expect(read("please call Ben at 030 / 123 45 tomorrow")).toMatchObject({ number: "", choices: ["030 / 123 45"] });
  expect(read("call 030 12345 or 030 54321")).toMatchObject({ choices: ["030 12345", "030 54321"] });
});

test("hostile and long texts are texts", () => {
  expect(read("<script>alert(1)</script>").number).toBe("<script>alert(1)</script>"); // the server refuses it
  expect(read("9".repeat(300))).toEqual({ number: "", choices: [], problem: "A number has at most 256 characters; this has 300." });
  expect(read("javascript:alert(1)").number).toBe("javascript:alert(1)");
});

test("a large paste is read in no time", () => {
  const t = performance.now();
  read("1 (".repeat(100_000));
  read("+49 30 1 ".repeat(50_000));
  read("1-".repeat(200_000));
  expect(performance.now() - t).toBeLessThan(1000);
});
