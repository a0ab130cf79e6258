// What people type, paste or click as a number. Nothing is thrown away silently: what is not one
// number is told, with what could be meant.
import { number } from "../../lib/format";

/** Read is what a text says. */
export interface Read {
  /** To be dialled; "" if there is none, or if one must be chosen. */
  number: string;
  /** Numbers of which one is to be chosen. */
  choices: string[];
  /** What is wrong, "" if nothing is. */
  problem: string;
}

/** Longest number that the server takes, in characters. */
export const longest = 256;

const mostChoices = 8;
const parameters = ["number", "num", "phone", "dial", "dest", "second"]; // of the links of our own doors

// Characters that are not seen: controls, zero width, marks of direction, soft hyphens.
const unseen = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
const numberLike = /^\+?[\d(][\d\s().\/*#-]*\d\)?$|^\d{2,}$/;
const inProse = /\+?\(?\d[\d\s().\/-]{3,}\d/g;

/** read makes a number of a text in any form: +49 (30) 123, tel:…, sip:…, callto:…, a link of ours, a line of a mail. */
export function read(text: string): Read {
  const clean = text.replace(unseen, "").replace(/[\u00a0\u2000-\u200a\u202f\u3000]/g, " ").replace(/[\u2010-\u2015\u2212]/g, "-").trim();
  if (clean === "") return { number: "", choices: [], problem: "" };
  const pieces = clean
    .split(/[\r\n\t;,|]+/)
    .map((p) => p.trim())
    .filter((p) => p !== "");
  const numbers = [...new Set(pieces.map(ofLink).filter((p) => numberLike.test(p)))];
  if (pieces.length > 1 && numbers.length > 1) return several(numbers);
  const one = ofLink(clean.replace(/\s+/g, " "));
  if (/^[^\s]+$/.test(one) || numberLike.test(one)) return bounded(one);
  const found = [...new Set((clean.match(inProse) ?? []).map((n) => n.trim()))];
  if (found.length > 1) return several(found);
  if (found.length === 1) return { number: "", choices: found, problem: "This is more than a number. Is this one meant?" };
  return bounded(one);
}

function several(numbers: string[]): Read {
  const more = numbers.length > mostChoices ? `, the first ${mostChoices} of which are here` : "";
  return { number: "", choices: numbers.slice(0, mostChoices), problem: `These are ${numbers.length} numbers${more}. Choose one, or import them as a list.` };
}

function bounded(n: string): Read {
  const length = [...n].length;
  if (length > longest) return { number: "", choices: [], problem: `A number has at most ${longest} characters; this has ${length}.` };
  return { number: n, choices: [], problem: "" };
}

// The number in a link: tel:, sip:, vodia://pbx?dial=…, https://pbx/…?num=….
function ofLink(text: string): string {
  if (/^(?:https?|vodia|web\+dialwright):/i.test(text)) {
    const at = text.lastIndexOf("?");
    const query = new URLSearchParams(at < 0 ? "" : text.slice(at + 1).replace(/#.*$/, ""));
    for (const p of parameters) {
      const v = query.get(p);
      if (v) return number(v);
    }
    return text;
  }
  return number(text);
}
