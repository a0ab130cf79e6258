import { expect, it } from "vitest";
import { later, peers, rungs } from "./ladder";

it("reads a ladder", () => {
  const list = rungs([
    { at: "2026-11-29T10:00:00.000Z", sent: true, peer: "udp:192.0.2.1:5060", first: "INVITE sip:101@192.0.2.1 SIP/2.0", note: "SDP" },
    { at: "2026-11-29T10:00:00.012Z", sent: false, peer: "udp:192.0.2.1:5060", first: "SIP/2.0 180 Ringing", note: "INVITE" },
    { at: "2026-11-29T10:00:04.012Z", sent: false, peer: "udp:192.0.2.1:5060", first: "SIP/2.0 486 Busy <b>here</b>", note: "INVITE" },
    { at: "2026-11-29T10:00:04.013Z", sent: true, peer: "udp:192.0.2.2:5060", first: "nonsense" },
  ]);
  expect(list.map((r) => [r.title, r.detail, r.kind, later(r.delta)])).toEqual([
    ["INVITE", "sip:101@192.0.2.1 · SDP", "request", "+0 ms"],
    ["180 Ringing", "INVITE", "provisional", "+12 ms"],
    ["486 Busy <b>here</b>", "INVITE", "bad", "+4.0 s"],
    ["nonsense", "", "request", "+1 ms"],
  ]);
  expect(list[2]?.at).toBeCloseTo(4.012);
  expect(peers(list)).toEqual(["udp:192.0.2.1:5060", "udp:192.0.2.2:5060"]);
  expect(rungs([])).toEqual([]);
});

it("writes times", () => {
  expect([later(-1), later(0.9994), later(0.9999), later(65)]).toEqual(["+0 ms", "+999 ms", "+1.0 s", "+1:05"]);
});
