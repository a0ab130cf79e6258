// States of a list in words.
import type { Import } from "../../lib/types/lists";

/** states gives the word and colour of each state. */
export const states: Record<Import["state"], { text: string; kind: "info" | "busy" | "good" | "bad" }> = {
  uploaded: { text: "not submitted", kind: "info" },
  submitting: { text: "being submitted", kind: "busy" },
  submitted: { text: "submitted", kind: "good" },
  failed: { text: "failed", kind: "bad" },
};

/** encodings that can be asked for. */
export const encodings = ["utf-8", "utf-16le", "utf-16be", "windows-1252"];

/** delimiters that can be asked for, with their names. */
export const delimiters: [value: string, title: string][] = [
  [";", "semicolon"],
  [",", "comma"],
  ["\t", "tab"],
  ["|", "bar"],
];

/** delimiterName names a delimiter. */
export function delimiterName(d: string): string {
  return delimiters.find(([v]) => v === d)?.[1] ?? d;
}
