// Sending a file with its progress told, which fetch cannot do. Apart from that it is as send of api.ts:
// when the session has ended meanwhile, the user logs in again and the file is sent once more.
import { Problem, problemOf, url } from "./api";
import { session } from "./session.svelte";

interface Options {
  query?: Record<string, string>;
  /** Told how much has been sent, 0 to 1. */
  progress?: (share: number) => void;
  signal?: AbortSignal;
  /** Makes one request; for tests. */
  request?: () => XMLHttpRequest;
}

/** upload sends a file as the body of a POST and reads JSON. The error is a Problem, or the AbortError of the signal. */
export async function upload<T>(path: string, file: Blob, o: Options = {}): Promise<T> {
  for (;;) {
    const csrf = session.csrf;
    const response = await attempt(path, file, o);
    if (response.ok) return (await response.json()) as T;
    const problem = await problemOf(response);
    if (problem.status !== 401 && problem.code !== "csrf") throw problem;
    await session.renew(problem, csrf);
  }
}

function attempt(path: string, file: Blob, o: Options): Promise<Response> {
  const x = o.request?.() ?? new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(new DOMException("the upload was called off", "AbortError"));
    if (o.signal?.aborted) {
      stopped();
      return;
    }
    o.signal?.addEventListener("abort", () => x.abort(), { once: true });
    x.open("POST", url(path, o.query));
    x.setRequestHeader("Accept", "application/json");
    x.setRequestHeader("Content-Type", "application/octet-stream"); // what it is, the server finds out
    if (session.csrf !== "") x.setRequestHeader("X-CSRF-Token", session.csrf);
    x.upload.onprogress = (e) => o.progress?.(e.lengthComputable && e.total > 0 ? e.loaded / e.total : 0);
    x.onload = () => resolve(new Response(x.status === 204 ? null : x.responseText, { status: x.status, statusText: x.statusText, headers: { "Retry-After": x.getResponseHeader("Retry-After") ?? "" } }));
    x.onerror = () => reject(new Problem(0, "unreachable", "The file could not be sent: the server cannot be reached, or refused it in the middle. Try again."));
    x.onabort = stopped;
    x.send(file);
  });
}
