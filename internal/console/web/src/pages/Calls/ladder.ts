// The SIP messages of a leg, as the rungs of a ladder.
import type { Message } from "../../lib/types/history";

/** Rung is one message between us and a peer. */
export interface Rung {
  sent: boolean;
  /** Method or status: "INVITE", "180 Ringing". */
  title: string;
  /** What else the message says: the target of a request, the method that a response is of, "SDP". */
  detail: string;
  peer: string;
  /** Seconds since the first message. */
  at: number;
  /** Seconds since the message before. */
  delta: number;
  kind: "request" | "provisional" | "good" | "bad";
}

/** rungs reads the messages of a leg, oldest first. */
export function rungs(messages: Message[]): Rung[] {
  const first = Date.parse(messages[0]?.at ?? "");
  let before = first;
  return messages.map((m) => {
    const at = Date.parse(m.at);
    const [title, target, kind] = line(m.first);
    const rung: Rung = { sent: m.sent, title, detail: [target, m.note ?? ""].filter((t) => t !== "").join(" · "), peer: m.peer, at: (at - first) / 1000, delta: (at - before) / 1000, kind };
    before = at;
    return rung;
  });
}

function line(text: string): [title: string, target: string, kind: Rung["kind"]] {
  const status = /^SIP\/2\.0\s+((\d)\d\d)\s*(.*)$/.exec(text);
  if (status) {
    const kind = status[2] === "1" ? "provisional" : status[2] === "2" ? "good" : "bad";
    return [`${status[1]} ${status[3]}`.trim(), "", kind];
  }
  const request = /^(\S+)\s+(\S+)(?:\s+SIP\/2\.0)?$/.exec(text);
  return request ? [request[1] ?? "", request[2] ?? "", "request"] : [text, "", "request"];
}

/** later writes seconds since something: "+12 ms", "+3.2 s", "+1:05". */
export function later(seconds: number): string {
  if (seconds < 0.9995) return `+${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `+${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  return `+${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** peers gives the addresses of a ladder, in their order. */
export function peers(list: Rung[]): string[] {
  return [...new Set(list.map((r) => r.peer))];
}
