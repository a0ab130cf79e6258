import { describe, expect, it } from "vitest";
import { apiQuery, filterOf, host, pageQuery, verdict, what, why } from "./audit";

describe("audit", () => {
  it("says what became of a request", () => {
    expect(verdict({ accepted: true, call: "c" }).text).toBe("accepted");
    expect(verdict({ accepted: true }).text).toBe("done");
    expect(verdict({ accepted: false, code: "guard" }).text).toBe("denied");
    expect(verdict({ accepted: false }).text).toBe("noted");
  });

  it("says why", () => {
    expect(why({ accepted: false, code: "guard", text: "not allowed" })).toBe("not allowed");
    expect(why({ accepted: false, code: "rate" })).toBe("Too many requests.");
    expect(why({ accepted: false, code: "new-code" })).toBe("new-code");
    expect(why({ accepted: true })).toBe("");
  });

  it("says what was asked for", () => {
    expect(what({ first: "101", second: "102" })).toBe("101 → 102");
    expect(what({ first: "101" })).toBe("101");
    expect(what({ first: "", second: "102" })).toBe("→ 102");
    expect(what({ first: "" })).toBe("");
  });

  it("leaves out ports", () => {
    expect(host("192.0.2.1:5060")).toBe("192.0.2.1");
    expect(host("[2001:db8::1]:80")).toBe("2001:db8::1");
    expect(host("2001:db8::1")).toBe("2001:db8::1");
    expect(host(undefined)).toBe("");
  });

  it("keeps a filter in the address and gives it to the server", () => {
    const f = filterOf(new URLSearchParams("door=vodia&denied=1&from=2026-11-29T14:00&x=1"));
    expect(f.door).toBe("vodia");
    expect(f.denied).toBe(true);
    expect(filterOf(new URLSearchParams(pageQuery(f)))).toEqual(f);
    expect(apiQuery(f).denied).toBe("true");
    expect(apiQuery(f).from).toBe(new Date("2026-11-29T14:00").toISOString());
    expect(apiQuery({ ...f, from: "junk" }).from).toBe("");
  });
});
