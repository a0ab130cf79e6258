import { describe, expect, it } from "vitest";
import { body, curl, draft, maker, over, stateOfLink, used } from "./links";

describe("links", () => {
  it("sends the least that the form says", () => {
    expect(body({ ...draft("101"), number: "tel:+49%2030123" })).toEqual({ user: "101", number: "+49 30123", uses: 1 });
    expect(body({ ...draft("101"), number: "1", often: "any" })).toEqual({ user: "101", number: "1" });
  });

  it("sends all that the form says", () => {
    const b = body({
      ...draft(" 123@t "),
      number: "102",
      name: "Ada ",
      note: "x",
      often: "times",
      times: 3,
      life: "3600",
      from: "2026-11-29T14:00",
      connect: true,
      origins: "https://a.example\n https://b.example, ",
      direct: true,
    });
    expect(b).toEqual({
      user: "123@t",
      number: "102",
      name: "Ada",
      note: "x",
      uses: 3,
      life: 3600,
      not_before: new Date("2026-11-29T14:00").toISOString(),
      connect: true,
      origins: ["https://a.example", "https://b.example"], // and then a click cannot dial directly
    });
    expect(body({ ...draft("1"), life: "until", until: "2026-12-01T00:00" }).expires).toBe(new Date("2026-12-01T00:00").toISOString());
    expect(body({ ...draft("1"), direct: true }).direct).toBe(true);
  });

  it("says what a link is good for", () => {
    expect(stateOfLink({ state: "used" }).text).toBe("used up");
    expect(over({ state: "early" })).toBe(false);
    expect(over({ state: "revoked" })).toBe(true);
    expect(used({ used: 1, uses: 3 })).toBe("1 of 3");
    expect(used({ used: 0, uses: 0 })).toBe("not yet");
    expect(used({ used: 12, uses: 0 })).toBe("12 times");
  });

  it("says who made it", () => {
    expect(maker("key:crm")).toBe("key crm");
    expect(maker("console:123@t")).toBe("123@t");
    expect(maker("local")).toBe("the command line");
    expect(maker("odd")).toBe("odd");
  });

  it("gives a request that the key may make", () => {
    expect(curl("http://x", "k", ["calls:read"])).toBe("curl -s 'http://x/v1/calls?limit=5' -H 'Authorization: Bearer k'");
    expect(curl("http://x", "k", ["admin"])).toContain("/v1/calls");
    expect(curl("http://x", "k", ["metrics:read"])).toContain("/metrics");
  });
});
