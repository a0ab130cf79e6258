import { expect, test } from "vitest";
import { empty, request, used, type Form } from "./request";

const now = Date.parse("2026-11-29T12:00:00Z");
const form = (f: Partial<Form>): Form => ({ ...empty(), first: "101", second: "+4930123", ...f });

test("a plain form asks for a plain call", () => {
  expect(request(form({}), now)).toEqual({ body: { first: "101", second: "+4930123" }, problems: {} });
});

test("options go where the API wants them", () => {
  const { body, problems } = request(form({ account: "sales", callerName: "Sales", hide: true, confirm: true, waitTime: "20", retries: "2", retryWait: "10", reference: " 77 " }), now);
  expect(problems).toEqual({});
  expect(body).toEqual({ first: "101", second: "+4930123", account: "sales", caller_id: { name: "Sales", private: true }, confirm: true, wait_time: 20, retry: { max: 2, wait: 600 }, reference: "77" });
});

test("a later time is local, and must lie ahead", () => {
  const local = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  expect(request(form({ at: local(now + 3_600_000) }), now).body.not_before).toBe("2026-11-29T13:00:00.000Z");
  expect(request(form({ at: local(now - 60_000) }), now).problems.at).toMatch(/passed/);
  expect(request(form({ at: local(now + 400 * 86_400_000) }), now).problems.at).toMatch(/year/);
  expect(request(form({ at: "soon" }), now).problems.at).toMatch(/not a time/);
});

test("what is wrong is said at its field", () => {
  const bad = form({ first: " ", second: "", waitTime: "1.5", retries: "-1", reference: "x".repeat(300) });
  expect(Object.keys(request(bad, now).problems).sort()).toEqual(["first", "reference", "retries", "second", "waitTime"]);
  expect(request(form({ retries: "3", retryWait: "" }), now).problems.retryWait).toMatch(/minutes/);
  expect(request(form({ retries: "abc" }), now).problems.retries).toMatch(/whole/);
});

test("options in use are told", () => {
  expect(used(form({}))).toEqual([]);
  expect(used(form({ confirm: true, retries: "2", callerNumber: "+49" }))).toEqual(["caller ID +49", "press 1", "2 retries"]);
});
