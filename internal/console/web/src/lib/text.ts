// Texts from outside (names, numbers, reasons) that may hold characters which nobody sees, or which turn
// round what stands beside them.

/** Piece is a part of a text: shown as it is, or a character that is named instead ("U+202E"). */
export interface Piece {
  text: string;
  hidden: boolean;
}

// Controls, soft hyphen, zero-width and direction marks, line and paragraph separators, the tag block and
// halves of characters. The joiners U+200C and U+200D are wanted in some scripts and in emoji.
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu;

const names: Record<number, string> = { 0x09: "TAB", 0x0a: "LF", 0x0d: "CR", 0x00: "NUL", 0x1b: "ESC", 0x7f: "DEL" };

/** pieces takes a text apart so that nothing in it is unseen; in code, tabs are wanted. */
export function pieces(text: string, code = false): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const m of text.matchAll(unseen)) {
    if (code && m[0] === "\t") continue;
    if (m.index > at) out.push({ text: text.slice(at, m.index), hidden: false });
    const point = m[0].codePointAt(0) ?? 0;
    out.push({ text: names[point] ?? `U+${point.toString(16).toUpperCase().padStart(4, "0")}`, hidden: true });
    at = m.index + m[0].length;
  }
  if (at < text.length || out.length === 0) out.push({ text: text.slice(at), hidden: false });
  return out;
}
