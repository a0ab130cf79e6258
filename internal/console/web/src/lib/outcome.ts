// How a call ended, in words that need no list of codes.
import type { CallEvent } from "./events.svelte";
import type { Call } from "./types/call";
import { duration } from "./format";

const dispositions: Record<string, string> = {
  ANSWERED: "Answered.",
  "NO ANSWER": "Nobody answered.",
  BUSY: "The line was busy.",
  FAILED: "The call could not be made.",
  CONGESTION: "The network had no free line.",
  CANCELLED: "It was cancelled.",
  INTERRUPTED: "The server stopped in the middle of it.",
};

/** dispositionWords says a disposition in a sentence. */
export function dispositionWords(disposition: string): string {
  return dispositions[disposition] ?? (disposition === "" ? "It has ended." : disposition);
}

/** outcome says how a call ended that was read from the server. */
export function outcome(c: Call): string {
  if (c.reason) return sentence(c.reason);
  if (c.state === "cancelled") return dispositionWords("CANCELLED");
  return dispositionWords(c.disposition ?? "");
}

/** What the events of an attempt say of its end. */
export interface End {
  disposition: string;
  /** Seconds that both were connected, undefined if they were not. */
  talked?: number;
  words: string;
}

interface Failure {
  text?: string;
  peer?: string;
  disposition?: string;
}

/** endOf reads an attempt.ended, call.ended, call.cancelled or call.expired; earlier is what the attempt said. */
export function endOf(e: CallEvent, earlier?: End): End {
  const cdr = e.cdr as { disposition?: string; billable?: number } | undefined;
  const failure = e.failure as Failure | undefined;
  const disposition = cdr?.disposition ?? failure?.disposition ?? earlier?.disposition ?? (e.state === "cancelled" ? "CANCELLED" : "");
  const talked = cdr?.billable !== undefined && cdr.billable > 0 ? cdr.billable : earlier?.talked;
  let words = failure?.text ?? failure?.peer ?? e.text ?? earlier?.words ?? "";
  if (e.type === "call.expired") words ||= "Its time passed before it could be dialled.";
  if (words === "" && disposition === "ANSWERED" && talked !== undefined) words = `Connected for ${duration(talked)}.`;
  return { disposition, talked, words: words === "" ? dispositionWords(disposition) : sentence(words) };
}

/** sentence makes "busy here" a sentence: "Busy here." */
export function sentence(text: string): string {
  const t = text.trim();
  if (t === "") return "";
  return t.charAt(0).toUpperCase() + t.slice(1) + (/[.!?)\]]$/.test(t) ? "" : ".");
}
