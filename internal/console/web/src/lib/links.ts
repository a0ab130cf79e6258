// Signed links and API keys: what is asked for in the form, and what the server is sent.
import { number } from "./format";
import type { Shown } from "./phones";
import type { Link, NewLink } from "./types/operations";

/** Draft is the form of a new link. */
export interface Draft {
  user: string;
  number: string;
  name: string;
  note: string;
  /** "once", "any", or "times" with times. */
  often: "once" | "times" | "any";
  times: number;
  /** Seconds; "" = as the server is set, "until" = until. */
  life: string;
  /** Local times as the browser's field writes them. */
  until: string;
  from: string;
  /** Do not ask to press 1. */
  connect: boolean;
  direct: boolean;
  /** One a line. */
  origins: string;
}

/** draft gives an empty form for a user. */
export function draft(user: string): Draft {
  return { user, number: "", name: "", note: "", often: "once", times: 5, life: "", until: "", from: "", connect: false, direct: false, origins: "" };
}

/** lives are the offered times of validity. */
export const lives = [
  { value: "", title: "as this server is set" },
  { value: "3600", title: "1 hour" },
  { value: "86400", title: "1 day" },
  { value: "604800", title: "7 days" },
  { value: "2592000", title: "30 days" },
  { value: "until", title: "until a time…" },
];

/** body gives what POST /v1/links is sent. */
export function body(d: Draft): NewLink {
  const out: NewLink = { user: d.user.trim(), number: number(d.number) };
  if (d.name.trim() !== "") out.name = d.name.trim();
  if (d.note.trim() !== "") out.note = d.note.trim();
  if (d.often !== "any") out.uses = d.often === "once" ? 1 : d.times;
  if (d.life === "until") {
    if (d.until !== "") out.expires = new Date(d.until).toISOString();
  } else if (d.life !== "") {
    out.life = Number(d.life);
  }
  if (d.from !== "") out.not_before = new Date(d.from).toISOString();
  if (d.connect) out.connect = true;
  const origins = d.origins.split(/[\s,]+/).filter((o) => o !== "");
  if (origins.length > 0) out.origins = origins;
  else if (d.direct) out.direct = true;
  return out;
}

const states: Record<Link["state"], Shown> = {
  early: { text: "not valid yet", kind: "info" },
  active: { text: "active", kind: "good" },
  expired: { text: "expired", kind: "plain" },
  used: { text: "used up", kind: "plain" },
  revoked: { text: "revoked", kind: "bad" },
};

/** stateOfLink says what a link is good for now. */
export function stateOfLink(l: Pick<Link, "state">): Shown {
  return states[l.state] ?? { text: l.state, kind: "plain" };
}

/** over says that a link dials nobody any more, whatever is done. */
export function over(l: Pick<Link, "state">): boolean {
  return l.state === "expired" || l.state === "used" || l.state === "revoked";
}

/** used says how often a link was used, of how many times: "1 of 3", "12 times". */
export function used(l: Pick<Link, "used" | "uses">): string {
  if (l.uses > 0) return `${l.used} of ${l.uses}`;
  return l.used === 0 ? "not yet" : l.used === 1 ? "once" : `${l.used} times`;
}

/** maker says who made it: "key:crm" is "key crm", "console:boss" is "boss". */
export function maker(by: string): string {
  const m = /^(key|console):(.+)$/.exec(by);
  if (m !== null) return m[1] === "key" ? `key ${m[2]}` : (m[2] ?? "");
  return by === "local" ? "the command line" : by;
}

/** Scopes of a key, with what each of them allows (docs/rest.md). */
export const scopes = [
  { name: "calls:read", text: "See calls, attempts, their history, recordings and counts" },
  { name: "calls:write", text: "Make calls, hang up, cancel, work on batches, make and revoke links" },
  { name: "events:read", text: "Follow events as they happen" },
  { name: "endpoints:read", text: "See phones, trunks and where numbers lead" },
  { name: "metrics:read", text: "Read /metrics for monitoring" },
  { name: "admin", text: "Everything, for every account: users, keys, audit, configuration" },
];

/** curl gives a first request with a key, as a shell takes it. */
export function curl(origin: string, key: string, wanted: string[]): string {
  const auth = `-H 'Authorization: Bearer ${key}'`;
  const has = (s: string) => wanted.includes(s) || wanted.includes("admin");
  if (has("calls:write")) return `curl -s ${origin}/v1/calls ${auth} \\\n  -H 'Content-Type: application/json' -d '{"first": "101", "second": "102"}'`;
  if (has("calls:read")) return `curl -s '${origin}/v1/calls?limit=5' ${auth}`;
  if (has("endpoints:read")) return `curl -s ${origin}/v1/phones ${auth}`;
  if (has("events:read")) return `curl -sN ${origin}/v1/events ${auth}`;
  return `curl -s ${origin}/metrics ${auth}`;
}
