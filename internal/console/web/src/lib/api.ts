// The REST API of the server, as customers use it. Everything that the console shows and does
// goes through here.
import { session } from "./session.svelte";

/** A refusal of the server: application/problem+json with a stable code. */
export class Problem extends Error {
  constructor(
    /** HTTP status; 0 = the server could not be reached. */
    readonly status: number,
    /** Stable, for programs: "guard", "not-found", "session" … */
    readonly code: string,
    /** What happened and what to do. */
    readonly detail: string,
    /** The rule that decided, "" if none. */
    readonly rule = "",
    /** The offending field of the body, "" if none. */
    readonly field = "",
    /** Seconds after which it may work, 0 = unknown. */
    readonly retryAfter = 0,
  ) {
    super(detail);
  }
}

type Query = Record<string, string | number | boolean | string[] | undefined>;

/** url gives a path with its query; empty values are left out. */
export function url(path: string, query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) {
      if (value.length > 0) q.set(name, value.join(","));
    } else if (value !== undefined && value !== "" && value !== false) {
      q.set(name, String(value));
    }
  }
  const text = q.toString();
  return text === "" ? path : `${path}?${text}`;
}

interface Options {
  query?: Query;
  /** Sent as JSON, or as it is if it is a Blob or a string. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * send makes a request and gives the response if it is good. When the session has ended
 * meanwhile, the user is asked to log in again and the request is made once more, so that no
 * form is lost. The error is a Problem, or the AbortError of the signal.
 */
export async function send(method: string, path: string, o: Options = {}): Promise<Response> {
  for (;;) {
    const csrf = session.csrf;
    const response = await attempt(method, path, o);
    if (response.ok) return response;
    const problem = await problemOf(response);
    const gone = problem.status === 401 || problem.code === "csrf";
    if (!gone || path === "/v1/session") throw problem;
    await session.renew(problem, csrf); // ends when somebody has logged in; throws if they do not want to
  }
}

async function attempt(method: string, path: string, o: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...o.headers };
  let body: BodyInit | undefined;
  if (o.body instanceof Blob || typeof o.body === "string") {
    body = o.body;
  } else if (o.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(o.body);
  }
  if (method !== "GET" && session.csrf !== "") headers["X-CSRF-Token"] = session.csrf;
  try {
    return await fetch(url(path, o.query), { method, headers, body, signal: o.signal, credentials: "same-origin", cache: "no-store" });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new Problem(0, "unreachable", "The server cannot be reached. It may be restarting; try again in a moment.");
  }
}

/** problemOf reads the refusal of an answer that is not good. */
export async function problemOf(r: Response): Promise<Problem> {
  const retry = Number(r.headers.get("Retry-After")) || 0;
  try {
    const p = (await r.json()) as { code?: string; detail?: string; title?: string; rule?: string; field?: string; errors?: { message?: string; location?: string }[] };
    const text = p.detail ?? p.title ?? r.statusText;
    const more = (p.errors ?? [])
      .filter((e) => e.message !== text) // of a single mistake the detail says it all
      .map((e) => `${(e.location ?? "").replace(/^body\.?/, "")} ${e.message ?? ""}`.trim())
      .join("; ");
    return new Problem(r.status, p.code ?? "", more === "" ? text : `${text}: ${more}`, p.rule ?? "", p.field ?? "", retry);
  } catch {
    return new Problem(r.status, "", `The server answered ${r.status} ${r.statusText}.`, "", "", retry);
  }
}

/** get reads JSON. */
export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await (await send("GET", path, { query, signal })).json()) as T;
}

/** post sends JSON (or a Blob) and reads JSON; undefined for an empty answer. */
export async function post<T = unknown>(path: string, body?: unknown, o: Omit<Options, "body"> = {}): Promise<T> {
  return read<T>(await send("POST", path, { ...o, body: body ?? {} }));
}

/** put sends JSON and reads JSON. */
export async function put<T = unknown>(path: string, body: unknown): Promise<T> {
  return read<T>(await send("PUT", path, { body }));
}

/** patch sends JSON and reads JSON. */
export async function patch<T = unknown>(path: string, body: unknown): Promise<T> {
  return read<T>(await send("PATCH", path, { body }));
}

/** del deletes and reads JSON if there is any. */
export async function del<T = unknown>(path: string, query?: Query): Promise<T> {
  return read<T>(await send("DELETE", path, { query }));
}

async function read<T>(r: Response): Promise<T> {
  const text = await r.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** idempotencyKey makes a key under which a POST is done once, however often it is repeated. */
export function idempotencyKey(): string {
  const b = crypto.getRandomValues(new Uint8Array(16)); // randomUUID needs HTTPS
  return `console-${Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("")}`;
}
