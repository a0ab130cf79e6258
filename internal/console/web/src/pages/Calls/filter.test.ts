import { describe, expect, it } from "vitest";
import { apiQuery, filterOf, narrowed, pageQuery } from "./filter";

const now = new Date(2026, 10, 29, 14, 30);
const of = (query: string) => filterOf(new URLSearchParams(query));

describe("filter of calls", () => {
  it("comes back from the address as it went there", () => {
    const f = of("number=%2B49+30&disposition=NO+ANSWER&state=live&order=oldest&when=today");
    expect(filterOf(new URLSearchParams(pageQuery(f)))).toEqual(f);
    expect(narrowed(f)).toBe(true);
    expect(narrowed(of("order=oldest"))).toBe(false);
  });

  it("asks for days as they are here", () => {
    expect(apiQuery(of("when=today"), now)).toMatchObject({ from: new Date(2026, 10, 29).toISOString(), to: "" });
    expect(apiQuery(of("when=yesterday"), now)).toMatchObject({ from: new Date(2026, 10, 28).toISOString(), to: new Date(2026, 10, 29).toISOString() });
    expect(apiQuery(of("when=week"), now)).toMatchObject({ from: new Date(2026, 10, 23).toISOString(), to: "" });
    expect(apiQuery(of("from=2026-11-01T10:00"), now)).toMatchObject({ from: new Date("2026-11-01T10:00").toISOString(), to: "" });
    expect(apiQuery(of("when=range&from=nonsense"), now)).toMatchObject({ from: "", to: "" });
  });

  it("asks for groups of states, and sends nothing that the API does not know", () => {
    const q = apiQuery(of("state=waiting&number=+101+"), now);
    expect(q.state).toBe("scheduled,queued,waiting-retry");
    expect(q.number).toBe("101");
    expect("when" in q).toBe(false);
    expect(apiQuery(of("state=ringing"), now).state).toBe("ringing");
  });
});
