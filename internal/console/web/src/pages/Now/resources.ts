// Counters of capped resources, in the order in which people look for them.
import type { Resource, Stats } from "../../lib/types/call";

/** Counter is one resource as it is shown. */
export interface Counter {
  key: string;
  /** "Server", "Trunk", "Account", "Batch", "Phone". */
  kind: string;
  name: string;
  inUse: number;
  /** 0 = no cap. */
  cap: number;
  /** In words: "3 of 10 in use". */
  words: string;
  full: boolean;
}

const kinds: Record<string, [order: number, kind: string]> = {
  server: [0, "Server"],
  trunk: [1, "Trunk"],
  account: [2, "Account"],
  batch: [3, "Batch"],
  phone: [4, "Phone"],
};

/** counters lists what has a cap or is in use; phones and batches only while they are in use. */
export function counters(stats: Stats): Counter[] {
  const list = (stats.resources ?? []).map((r) => ({ r, at: split(r.name) }));
  // Without a cap of its own the server still has the bound that its file descriptors set.
  for (const x of list) if (x.at.kind === "server" && x.r.channels === 0) x.r = { ...x.r, channels: stats.max_live };
  return list
    .filter(({ r, at }) => (at.kind !== "phone" && at.kind !== "batch") || r.in_use > 0)
    .map(({ r, at }) => ({ order: kinds[at.kind]?.[0] ?? 9, c: counter(r, at) }))
    .sort((x, y) => x.order - y.order || y.c.inUse - x.c.inUse || x.c.name.localeCompare(y.c.name))
    .map((x) => x.c);
}

function split(name: string): { kind: string; name: string } {
  const at = name.indexOf(":");
  return at < 0 ? { kind: name, name: "" } : { kind: name.slice(0, at), name: name.slice(at + 1) };
}

function counter(r: Resource, at: { kind: string; name: string }): Counter {
  const cap = r.channels;
  const full = cap > 0 && r.in_use >= cap;
  const pace = r.cps > 0 ? `, at most ${r.cps} new a second` : "";
  const words = cap > 0 ? `${r.in_use} of ${cap} in use${pace}` : `${r.in_use} in use, no cap${pace}`;
  return { key: r.name, kind: kinds[at.kind]?.[1] ?? at.kind, name: at.name, inUse: r.in_use, cap, words, full };
}
