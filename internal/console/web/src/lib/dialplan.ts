// The dialplan as it is shown: found by what is typed, marked where something is wrong, traced.
import type { Plan, PlanContext, PlanExtension, PlanProblem } from "./types/operations";

/** Place is a line of a file. */
export interface Place {
  file: string;
  line: number;
}

/** Found is a context with those of its extensions that fit. */
export interface Found {
  context: PlanContext;
  extensions: PlanExtension[];
}

/** find gives the contexts and extensions in which the text is; the name of a context finds all in it. At most limit extensions. */
export function find(plan: Plan, text: string, limit = 500): { found: Found[]; more: boolean } {
  const t = text.trim().toLowerCase();
  const found: Found[] = [];
  let left = limit;
  let more = false;
  for (const context of plan.contexts) {
    const whole = t === "" || context.name.toLowerCase().includes(t);
    const fit = whole ? context.extensions : context.extensions.filter((e) => inExtension(e, t));
    if (!whole && fit.length === 0) continue;
    if (fit.length > left) more = true;
    found.push({ context, extensions: fit.slice(0, left) });
    left = Math.max(0, left - fit.length);
  }
  return { found, more };
}

function inExtension(e: PlanExtension, t: string): boolean {
  return e.exten.toLowerCase().includes(t) || e.priorities.some((p) => `${p.app}(${p.data})`.toLowerCase().includes(t) || (p.label ?? "").toLowerCase().includes(t));
}

/** marks gives the problems of a file by their line. */
export function marks(problems: PlanProblem[], file: string): Map<number, PlanProblem[]> {
  const out = new Map<number, PlanProblem[]>();
  for (const p of problems) {
    if (p.file !== file) continue;
    const at = out.get(p.line);
    if (at === undefined) out.set(p.line, [p]);
    else at.push(p);
  }
  return out;
}

/** Kind is how a line is coloured. */
export type Kind = "comment" | "context" | "include" | "plain";

/** kindOf tells what a line of extensions.conf is. */
export function kindOf(line: string): Kind {
  const t = line.trimStart();
  if (t.startsWith(";")) return "comment";
  if (t.startsWith("[")) return "context";
  if (/^(#(try)?include\b|include\s*=>?)/i.test(t)) return "include";
  return "plain";
}

/** chunks cuts the lines of a file into pieces that the browser lays out only when they are seen. */
export function chunks(text: string, size = 200): { first: number; lines: string[] }[] {
  const lines = text.split(/\r?\n/);
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  const out = [];
  for (let i = 0; i < lines.length; i += size) out.push({ first: i + 1, lines: lines.slice(i, i + size) });
  return out;
}

/** Step is a line of a trace. */
export interface Step {
  /** Where the step is written; undefined for what is told in between. */
  at?: Place;
  /** "internal,100,1"; "" for what is told in between. */
  where: string;
  text: string;
}

/** stepOf reads a line of a trace: "extensions.conf:3<tab>internal,100,1<tab>NoOp(hi)". */
export function stepOf(line: string): Step {
  const [place = "", where = "", ...rest] = line.split("\t");
  const m = /^(.+):(\d+)$/.exec(place);
  if (m === null || rest.length === 0) return { where: "", text: line.trim() };
  return { at: { file: m[1] ?? "", line: Number(m[2]) }, where, text: rest.join(" ") };
}

/** fileOf finds the file that a place means: traces and problems may name it without its folder. */
export function fileOf(files: string[], name: string): string {
  return files.find((f) => f === name) ?? files.find((f) => f.endsWith(`/${name}`) || name.endsWith(`/${f}`)) ?? name;
}
