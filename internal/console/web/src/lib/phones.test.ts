import { describe, expect, it } from "vitest";
import { advice, contactOf, matches, stateOf } from "./phones";
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
    expect(contactOf("sip:101@192.0.2.7:5060;transport=tcp")).toEqual({ uri: "sip:101@192.0.2.7:5060;transport=tcp", address: "192.0.2.7:5060", transport: "tcp" });
    expect(contactOf("<sip:101@[2001:db8::7]:5080>;expires=60").address).toBe("[2001:db8::7]:5080");
    expect(contactOf("sips:10.0.0.1").transport).toBe("tls");
    expect(contactOf("junk").address).toBe("");
  });

  it("finds by what is shown", () => {
    expect(matches(phone, "READY")).toBe(true);
    expect(matches(phone, "192.0")).toBe(true);
    expect(matches(phone, "102")).toBe(false);
  });
});
