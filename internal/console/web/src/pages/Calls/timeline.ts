// The events of a call in words.
import { endOf, sentence } from "../../lib/outcome";
import type { CallEvent } from "../../lib/events.svelte";
import { time } from "../../lib/format";

/** Step is one line of the timeline. */
export interface Step {
  seq: number;
  at: string;
  text: string;
  /** What the event says beyond that, "" = nothing. */
  more: string;
  kind: "plain" | "good" | "bad";
  attempt: number;
}

/** Parties names the two parties: as asked for. */
export interface Parties {
  first: string;
  second: string;
}

const words: Record<string, (e: CallEvent, p: Parties) => string> = {
  "call.accepted": (e) => (e.state === "scheduled" && e.due_at ? `Accepted; to be dialled at ${time(e.due_at)}` : "Accepted"),
  "call.due": () => "Its time has come",
  "attempt.started": (e, p) => `Attempt ${e.attempt ?? 1}: dialling ${p.first}`,
  "leg.ringing": (_, p) => `${p.first} rings`,
  "leg.progress": (_, p) => `${p.first}: sound before the answer`,
  "leg.answered": (e, p) => (e.leg === "b" ? `${p.second} answered` : `${p.first} answered`),
  "call.confirming": (_, p) => `${p.first} is asked to press 1`,
  "call.connecting": (_, p) => `Dialling ${p.second}`,
  "leg.b.ringing": (_, p) => `${p.second} rings`,
  "leg.b.progress": (_, p) => `${p.second}: sound before the answer`,
  "call.connected": (_, p) => (p.second === "" ? "Connected" : `Connected with ${p.second}`),
  "leg.held": (e, p) => `${e.leg === "b" ? p.second : p.first} put the call on hold`,
  "leg.resumed": (e, p) => `${e.leg === "b" ? p.second : p.first} took the call back`,
  "attempt.ended": (e) => `Attempt ${e.attempt ?? 1} ended`,
  "call.retry": (e) => (e.due_at ? `To be tried again at ${time(e.due_at)}` : "To be tried again"),
  "call.cancelled": () => "Cancelled",
  "call.expired": () => "Its time passed before it could be dialled",
  "call.ended": () => "The call ended",
};

const ends = ["attempt.ended", "call.ended", "call.cancelled"];

/** steps makes the timeline of events that are in their order. */
export function steps(events: CallEvent[], p: Parties): Step[] {
  return events.map((e) => {
    const end = ends.includes(e.type) ? endOf(e) : undefined;
    const said = end !== undefined ? (end.disposition !== "" || e.text ? end.words : "") : e.text === p.first || e.text === p.second ? "" : sentence(e.text ?? "");
    const good = e.type === "call.connected" || end?.disposition === "ANSWERED";
    const bad = e.failure !== undefined || e.type === "call.expired" || (end !== undefined && end.disposition !== "" && !good && end.disposition !== "CANCELLED");
    return { seq: e.seq, at: e.at, text: words[e.type]?.(e, p) ?? e.type, more: said, kind: good ? "good" : bad ? "bad" : "plain", attempt: e.attempt ?? 0 };
  });
}
