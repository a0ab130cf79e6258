import { describe, expect, it } from "vitest";
import { pieces } from "./text";

const shown = (text: string) => pieces(text).map((p) => (p.hidden ? `[${p.text}]` : p.text)).join("");

describe("pieces", () => {
  it("leaves ordinary texts whole", () => {
    for (const text of ["", "Ada Moss", "<b>x</b>", "Jürgen Groß", "سلام", "👩‍💻"]) expect(pieces(text)).toEqual([{ text, hidden: false }]);
  });

  it("names what cannot be seen", () => {
    expect(shown("exe.\u202etxt")).toBe("exe.[U+202E]txt");
    expect(shown("1\u200b01")).toBe("1[U+200B]01");
    expect(shown("a\r\nb\tc\u0000")).toBe("a[CR][LF]b[TAB]c[NUL]");
    expect(pieces("a\tb", true)).toEqual([{ text: "a\tb", hidden: false }]);
    expect(shown("\u{e0041}x\ud800")).toBe("[U+E0041]x[U+D800]");
  });
});
