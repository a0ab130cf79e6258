import { describe, expect, it } from "vitest";
import { advice, contactsOf, matches, stateOf } from "./phones";
import type { Endpoint } from "./types/operations";

const phone: Endpoint = { name: "101", kind: "phone", state: "not in use", registered: true, channels: 0, contacts: ["sip:101@192.0.2.7:5060;transport=tcp"] };

describe("phones", () => {
  it("says what they do", () => {
    expect(stateOf(phone)).toEqual({ text: "ready", kind: "good" });
    expect(stateOf({ ...phone, state: "unavailable", registered: false }).text).toBe("not registered");
    expect(stateOf({ ...phone, state: "unavailable" }).text).toBe("not reachable");
    expect(stateOf({ ...phone, kind: "trunk", state: "unavailable", registered: false }).text).toBe("not reachable");
    expect(stateOf({ ...phone, state: "<b>" }).text).toBe("<b>");
  });

  it("gives advice that fits the error", () => {
    expect(advice("register: 401 Unauthorized", "trunk")).toContain("password");
    expect(advice("403 Forbidden", "trunk")).toContain("provider");
    expect(advice("408 Request Timeout", "phone")).toContain("The phone does not answer");
    expect(advice("no answer to OPTIONS", "trunk")).toContain("firewall");
    expect(advice("dial tcp 192.0.2.1:5060: connect: connection refused", "trunk")).toContain("Nothing listens");
    expect(advice("lookup sip.example.com: no such host", "trunk")).toContain("DNS");
    expect(advice("strange", "trunk")).toBe("");
  });

  it("takes contacts apart", () => {
    const of = (uri: string) => contactsOf({ ...phone, contacts: [uri] })[0];
    expect(of("sip:101@192.0.2.7:5060;transport=tcp")).toMatchObject({ uri: "sip:101@192.0.2.7:5060;transport=tcp", address: "192.0.2.7:5060", transport: "tcp", answer: "" });
    expect(of("<sip:101@[2001:db8::7]:5080>;expires=60")?.address).toBe("[2001:db8::7]:5080");
    expect(of("sips:10.0.0.1")?.transport).toBe("tls");
    expect(of("junk")?.address).toBe("");
  });

  it("says what a contact is and whether it answers", () => {
    const binding = { uri: "sip:101@10.1.1.1:5060", address: "192.0.2.7:40001", user_agent: "Deskphone 3", answers: "yes", round_trip: 0.0124, registered_at: "2026-11-29T14:00:00Z" };
    const [a, b, c] = contactsOf({ ...phone, bindings: [binding, { ...binding, answers: "no" }, { ...binding, answers: "yes", round_trip: 0.0004 }] });
    expect(a).toMatchObject({ address: "192.0.2.7:40001", agent: "Deskphone 3", answer: "answers in 12 ms", silent: false, registeredAt: "2026-11-29T14:00:00Z" });
    expect(b).toMatchObject({ answer: "does not answer", silent: true });
    expect(c?.answer).toBe("answers in 0.4 ms");
  });

  it("finds by what is shown", () => {
    expect(matches(phone, "READY")).toBe(true);
    expect(matches(phone, "192.0")).toBe(true);
    expect(matches(phone, "102")).toBe(false);
  });
});
