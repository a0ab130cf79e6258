import { describe, expect, it } from "vitest";
import { chunks, fileOf, find, kindOf, marks, stepOf } from "./dialplan";
import type { Plan } from "./types/operations";

const step = (priority: number, app: string, data: string) => ({ priority, app, data, file: "extensions.conf", line: priority + 1 });
const plan: Plan = {
  file: "extensions.conf",
  files: ["extensions.conf"],
  problems: [
    { file: "extensions.conf", line: 3, severity: "warning", text: "no such application" },
    { file: "extensions.conf", line: 3, severity: "error", text: "second" },
    { file: "other.conf", line: 3, severity: "error", text: "elsewhere" },
  ],
  contexts: [
    { name: "internal", includes: [], extensions: [{ exten: "100", file: "extensions.conf", line: 2, priorities: [step(1, "Dial", "PJSIP/101")] }] },
    {
      name: "incoming",
      includes: ["internal"],
      extensions: [
        { exten: "_X.", file: "extensions.conf", line: 9, priorities: [step(1, "Playback", "hello")] },
        { exten: "s", file: "extensions.conf", line: 12, priorities: [step(1, "Hangup", "")] },
      ],
    },
  ],
};

describe("dialplan", () => {
  it("finds extensions by number, application and context", () => {
    const names = (text: string) => find(plan, text).found.map((f) => [f.context.name, f.extensions.map((e) => e.exten)]);
    expect(names("")).toEqual([["internal", ["100"]], ["incoming", ["_X.", "s"]]]);
    expect(names("pjsip/")).toEqual([["internal", ["100"]]]);
    expect(names("INCOM")).toEqual([["incoming", ["_X.", "s"]]]);
    expect(names("hangup")).toEqual([["incoming", ["s"]]]);
    expect(names("nothing")).toEqual([]);
  });

  it("shows no more than it can", () => {
    const r = find(plan, "", 2);
    expect(r.more).toBe(true);
    expect(r.found.map((f) => f.extensions.length)).toEqual([1, 1]);
  });

  it("marks lines", () => {
    const m = marks(plan.problems, "extensions.conf");
    expect([...m.keys()]).toEqual([3]);
    expect(m.get(3)?.map((p) => p.text)).toEqual(["no such application", "second"]);
  });

  it("tells lines apart", () => {
    expect(kindOf("; note")).toBe("comment");
    expect(kindOf("[internal](+)")).toBe("context");
    expect(kindOf("include => x")).toBe("include");
    expect(kindOf('#include "x.conf"')).toBe("include");
    expect(kindOf("exten => 1,1,NoOp()")).toBe("plain");
  });

  it("numbers lines through its pieces", () => {
    expect(chunks("a\r\nb\nc\n", 2)).toEqual([
      { first: 1, lines: ["a", "b"] },
      { first: 3, lines: ["c"] },
    ]);
    expect(chunks("")).toEqual([{ first: 1, lines: [""] }]);
  });

  it("reads the lines of a trace", () => {
    expect(stepOf("extensions.conf:3\tinternal,100,1\tNoOp(hi)")).toEqual({ at: { file: "extensions.conf", line: 3 }, where: "internal,100,1", text: "NoOp(hi)" });
    expect(stepOf("\t\tLocal/1;2: DIALSTATUS = ANSWER")).toEqual({ where: "", text: "Local/1;2: DIALSTATUS = ANSWER" });
    expect(stepOf("plain: 7")).toEqual({ where: "", text: "plain: 7" });
  });

  it("finds files with and without their folder", () => {
    expect(fileOf(["a.conf", "d/b.conf"], "b.conf")).toBe("d/b.conf");
    expect(fileOf(["a.conf"], "/etc/x/a.conf")).toBe("a.conf");
    expect(fileOf(["a.conf"], "c.conf")).toBe("c.conf");
  });
});
