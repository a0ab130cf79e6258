// From what is on the form to the request for a call.
import type { components } from "../../lib/schema";

export type NewCall = components["schemas"]["NewCall"];

/** Form is what the user has filled in; texts are as typed. */
export interface Form {
  first: string;
  second: string;
  account: string;
  callerName: string;
  callerNumber: string;
  hide: boolean;
  confirm: boolean;
  waitTime: string;
  /** Further attempts after the first. */
  retries: string;
  /** Minutes between two attempts. */
  retryWait: string;
  /** Local time as <input type="datetime-local"> has it; "" = at once. */
  at: string;
  reference: string;
}

/** empty is a form that asks for nothing but the call. */
export function empty(): Form {
  return { first: "", second: "", account: "", callerName: "", callerNumber: "", hide: false, confirm: false, waitTime: "", retries: "", retryWait: "5", at: "", reference: "" };
}

export type Problems = Partial<Record<keyof Form, string>>;

const aYear = 366 * 24 * 3600 * 1000;

/** request makes the body of POST /v1/calls; problems say what must be put right before. */
export function request(f: Form, now = Date.now()): { body: NewCall; problems: Problems } {
  const problems: Problems = {};
  const body: NewCall = { first: f.first.trim(), second: f.second.trim() };
  if (body.first === "") problems.first = "Choose whose phone rings first.";
  if (body.second === "") problems.second = "Type a number.";
  if (f.account !== "") body.account = f.account;
  const name = f.callerName.trim();
  const number = f.callerNumber.trim();
  if (name !== "" || number !== "" || f.hide) {
    body.caller_id = { ...(name !== "" && { name }), ...(number !== "" && { number }), ...(f.hide && { private: true }) };
  }
  if (f.confirm) body.confirm = true;
  const wait = whole(f.waitTime, 1, 600);
  if (wait === undefined) problems.waitTime = "A whole number of seconds, 1 to 600.";
  else if (wait !== 0) body.wait_time = wait;
  const max = whole(f.retries, 0, 100);
  const minutes = whole(f.retryWait, 1, 10_080);
  if (max === undefined) problems.retries = "A whole number, 0 to 100.";
  else if (max > 0 && minutes) body.retry = { max, wait: minutes * 60 };
  if (max !== 0 && max !== undefined && !minutes) problems.retryWait = "A whole number of minutes, 1 to 10080 (a week).";
  if (f.at !== "") {
    const at = Date.parse(f.at); // without a zone it is local time
    if (Number.isNaN(at)) problems.at = "This is not a time.";
    else if (at <= now) problems.at = "This time has passed.";
    else if (at > now + aYear) problems.at = "This is more than a year ahead.";
    else body.not_before = new Date(at).toISOString();
  }
  const reference = f.reference.trim();
  if (reference.length > 256) problems.reference = "At most 256 characters.";
  else if (reference !== "") body.reference = reference;
  return { body, problems };
}

/** used says how many of the options are in use, so that none works unseen. */
export function used(f: Form): string[] {
  const list: string[] = [];
  if (f.account !== "") list.push(`account ${f.account}`);
  if (f.callerName !== "" || f.callerNumber !== "") list.push(`caller ID ${[f.callerName, f.callerNumber].filter((t) => t !== "").join(" ")}`);
  if (f.hide) list.push("caller ID hidden");
  if (f.confirm) list.push("press 1");
  if (f.waitTime !== "") list.push(`rings ${f.waitTime} s`);
  if (f.retries !== "" && f.retries !== "0") list.push(`${f.retries} retries`);
  if (f.at !== "") list.push(`at ${f.at.replace("T", " ")}`);
  if (f.reference !== "") list.push("a reference");
  return list;
}

// The whole number of a text, 0 for "", undefined if it is none or out of bounds.
function whole(text: string, low: number, high: number): number | undefined {
  const t = String(text ?? "").trim(); // number fields give numbers, and null for what they cannot read
  if (t === "") return 0;
  const n = Number(t);
  return Number.isInteger(n) && n >= low && n <= high ? n : undefined;
}
