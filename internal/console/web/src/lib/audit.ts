// Lines of the audit trail in words.
import type { AuditEntry } from "./types/operations";

/** Verdict is what became of a request. */
export interface Verdict {
  text: string;
  kind: "good" | "bad" | "plain";
}

/** verdict says whether a request was accepted; an accepted line without a call tells of a change. */
export function verdict(e: Pick<AuditEntry, "accepted" | "code" | "call">): Verdict {
  if (e.accepted) return e.call ? { text: "accepted", kind: "good" } : { text: "done", kind: "good" };
  if (e.code) return { text: "denied", kind: "bad" };
  return { text: "noted", kind: "plain" };
}

const codes: Record<string, string> = {
  guard: "A rule forbids it.",
  account: "The account does not exist, or may not be used.",
  rate: "Too many requests.",
  destination: "There is no such phone, and no route to the number.",
  "no-device": "The phone is not registered.",
  "key-reused": "The idempotency key was used with another request.",
  invalid: "The request was not as it must be.",
  stopping: "The server was stopping.",
};

/** why gives the reason of a denial, or what a note says; "" = there is nothing to say. */
export function why(e: Pick<AuditEntry, "text" | "code" | "rule" | "accepted">): string {
  if (e.text) return e.text;
  if (e.accepted || !e.code) return "";
  return codes[e.code] ?? e.code;
}

/** what says what was asked for: "101 → +4930123456"; "" if the line is about no call. */
export function what(e: Pick<AuditEntry, "first" | "second">): string {
  if (e.second) return e.first === "" ? `→ ${e.second}` : `${e.first} → ${e.second}`;
  return e.first;
}

/** remote gives the address without its port: "192.0.2.1:5060" is "192.0.2.1". */
export function host(remote: string | undefined): string {
  if (!remote) return "";
  const m = /^\[(.+)\]:\d+$/.exec(remote) ?? /^([^:]+):\d+$/.exec(remote);
  return m?.[1] ?? remote;
}

/** Filter is what GET /v1/audit can be asked for. */
export interface Filter {
  door: string;
  principal: string;
  account: string;
  call: string;
  denied: boolean;
  /** Local times as the browser's field writes them: "2026-11-29T14:00"; "" = open. */
  from: string;
  to: string;
}

const fields = ["door", "principal", "account", "call", "from", "to"] as const;

/** filterOf reads a filter from the query of the page. */
export function filterOf(q: URLSearchParams): Filter {
  const f: Filter = { door: "", principal: "", account: "", call: "", denied: q.get("denied") === "1", from: "", to: "" };
  for (const name of fields) f[name] = q.get(name) ?? "";
  return f;
}

/** pageQuery writes it for the address of the page. */
export function pageQuery(f: Filter): Record<string, string> {
  return { door: f.door, principal: f.principal.trim(), account: f.account.trim(), call: f.call.trim(), denied: f.denied ? "1" : "", from: f.from, to: f.to };
}

/** apiQuery writes it for the server; times that cannot be read are left out. */
export function apiQuery(f: Filter): Record<string, string> {
  const q = pageQuery(f);
  return { ...q, denied: f.denied ? "true" : "", from: instant(f.from), to: instant(f.to) };
}

function instant(local: string): string {
  const d = new Date(local);
  return local === "" || Number.isNaN(d.getTime()) ? "" : d.toISOString();
}

/** Doors as they are named in the trail. */
export const doors = ["rest", "cli", "console", "callfile", "dialproxy", "vodia", "switchvox", "link", "ari", "ami", "asterisk-cli", "sip", "dialplan"];
