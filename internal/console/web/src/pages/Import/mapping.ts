// From what is on the form to the mapping of a list, and back.
import type { Import, Mapping, Source } from "../../lib/types/lists";

/** Fields of a mapping, with the words of the form. */
export const fields: { name: string; title: string; help: string; placeholder: string }[] = [
  { name: "second", title: "Number to call", help: "Who is then dialled and connected.", placeholder: "+4930123456" },
  { name: "first", title: "Who rings first", help: "The phone of who makes the call.", placeholder: "101" },
  { name: "reference", title: "Reference", help: "Your own reference, shown in events and records.", placeholder: "order 17" },
  { name: "caller_name", title: "Caller ID, name", help: "", placeholder: "Sales" },
  { name: "caller_number", title: "Caller ID, number", help: "", placeholder: "+49301234" },
  { name: "not_before", title: "Not before", help: "A time: 2026-12-24 18:00 or 24.12.2026 18:00, in the server's time zone.", placeholder: "2026-12-24 18:00" },
  { name: "not_after", title: "Not after", help: "A time as before; a day alone means its end.", placeholder: "2026-12-24" },
  { name: "wait_time", title: "How long the first may ring", help: "Seconds, or 1m.", placeholder: "30" },
  { name: "retry_max", title: "Further attempts", help: "After the first one.", placeholder: "2" },
  { name: "retry_wait", title: "Time between attempts", help: "Seconds, or 5m.", placeholder: "5m" },
  { name: "priority", title: "Priority", help: "A whole number; lower goes first.", placeholder: "0" },
  { name: "account", title: "Account", help: "On whose behalf; without, your own.", placeholder: "sales" },
  { name: "key", title: "Idempotency key", help: "Rows with a key that was used before make no call.", placeholder: "" },
];

/** Use of a column that becomes a variable of the call. */
export const asVariable = "variable";

/** Form is the form of a list. */
export interface Form {
  /** What each column is: a field, "variable", or "" = not used. */
  uses: string[];
  /** Names of the variables of columns. */
  variables: string[];
  /** Values that are the same for all rows, by field. */
  fixed: Record<string, string>;
  /** Variables that are the same for all rows. */
  fixedVariables: { name: string; value: string }[];
  header: boolean;
  skip: boolean;
  batch: string;
  paused: boolean;
}

/** formOf makes the form of a list as it is mapped, or as it looks. */
export function formOf(i: Import): Form {
  const f: Form = {
    uses: i.columns.map(() => ""),
    variables: i.columns.map((c) => variableName(c.name)),
    fixed: {},
    fixedVariables: [],
    header: i.header,
    skip: false,
    batch: i.batch ?? batchName(i.name),
    paused: true,
  };
  const { variables, ...rest } = i.mapping;
  for (const [name, s] of Object.entries(rest)) {
    const source = s as Source | undefined;
    if (source?.column !== undefined) f.uses[source.column] = name;
    else if (source?.value) f.fixed[name] = source.value;
  }
  for (const [name, s] of Object.entries(variables ?? {})) {
    if (s.column !== undefined) {
      f.uses[s.column] = asVariable;
      f.variables[s.column] = name;
    } else {
      f.fixedVariables.push({ name, value: s.value ?? "" });
    }
  }
  return f;
}

/** mappingOf makes the mapping; problems say what must be put right before. */
export function mappingOf(f: Form): { mapping: Mapping; problems: string[] } {
  const mapping: Mapping = {};
  const variables: Record<string, Source> = {};
  const problems: string[] = [];
  const addVariable = (name: string, s: Source): void => {
    const n = name.trim();
    if (n === "") problems.push("A variable needs a name.");
    else if (variables[n] !== undefined) problems.push(`There are two variables ${n}.`);
    else variables[n] = s;
  };
  for (const [column, use] of f.uses.entries()) {
    if (use === asVariable) addVariable(f.variables[column] ?? "", { column });
    else if (use !== "") mapping[use] = { column };
  }
  for (const [name, value] of Object.entries(f.fixed)) if (value.trim() !== "" && mapping[name] === undefined) mapping[name] = { value: value.trim() };
  for (const v of f.fixedVariables) if (v.name.trim() !== "" || v.value !== "") addVariable(v.name, { value: v.value });
  if (mapping.second === undefined) problems.unshift("Say which column holds the numbers that are called.");
  if (mapping.first === undefined) problems.push("Say who rings first: a phone for all rows, such as 101, or a column.");
  if (Object.keys(variables).length > 0) mapping.variables = variables;
  return { mapping, problems };
}

/** choose says what a column is; a field that was another column's is taken from it. */
export function choose(f: Form, column: number, use: string): void {
  if (use !== "" && use !== asVariable) f.uses = f.uses.map((u) => (u === use ? "" : u));
  f.uses[column] = use;
}

/** variableName makes a name for a variable of the name of a column: "Kunden-Nr." is KUNDEN_NR. */
export function variableName(column: string): string {
  const name = column.normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("ß", "ss").replace(/[^\p{L}\p{N}]+/gu, "_").replace(/[^A-Za-z0-9_]/g, "").replace(/^_+|_+$/g, "").toUpperCase();
  return /^[A-Z_]/.test(name) ? name.slice(0, 60) : name === "" ? "" : `COLUMN_${name}`.slice(0, 60);
}

/** batchName makes a name for the batch of the name of a file: "list May.csv" is list-May. */
export function batchName(file: string): string {
  return file.replace(/\.(csv|txt|tsv|xlsx)$/i, "").replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 80);
}
