import { expect, it, vi } from "vitest";
import { session } from "./session.svelte";
import { upload } from "./upload";

/** A request that is answered at once. */
function answers(list: { status: number; body: string }[], sent: Record<string, string>[]): () => XMLHttpRequest {
  return () => {
    const headers: Record<string, string> = {};
    const answer = list.shift() ?? { status: 500, body: "" };
    const x = {
      upload: {} as { onprogress?: (e: Partial<ProgressEvent>) => void },
      status: answer.status,
      statusText: "",
      responseText: answer.body,
      open: () => undefined,
      setRequestHeader: (name: string, value: string) => void (headers[name] = value),
      getResponseHeader: () => null,
      abort: () => x.onabort(),
      onload: () => undefined as void,
      onabort: () => undefined as void,
      send: () => {
        sent.push(headers);
        x.upload.onprogress?.({ lengthComputable: true, loaded: 5, total: 10 });
        x.onload();
      },
    };
    return x as unknown as XMLHttpRequest;
  };
}

it("sends the file again when a session has ended in the middle and somebody has logged in", async () => {
  const renew = vi.spyOn(session, "renew").mockImplementation(() => {
    session.current = { name: "ada", role: "user", scopes: [], csrf: "new" };
    return Promise.resolve();
  });
  session.current = { name: "ada", role: "user", scopes: [], csrf: "old" };
  const sent: Record<string, string>[] = [];
  const progress: number[] = [];
  const request = answers(
    [
      { status: 401, body: '{"code":"session","detail":"The session has ended."}' },
      { status: 201, body: '{"id":"x"}' },
    ],
    sent,
  );
  const got = await upload<{ id: string }>("/v1/imports", new Blob(["a"]), { request, progress: (p) => progress.push(p) });
  expect(got.id).toBe("x");
  expect(renew).toHaveBeenCalledOnce();
  expect(sent.map((h) => h["X-CSRF-Token"])).toEqual(["old", "new"]);
  expect(progress).toEqual([0.5, 0.5]);
});

it("says why a file is not taken", async () => {
  const request = answers([{ status: 413, body: '{"code":"too-large","detail":"The file is larger than imports.max_size."}' }], []);
  await expect(upload("/v1/imports", new Blob(["a"]), { request })).rejects.toMatchObject({ status: 413, code: "too-large" });
});

it("can be called off", async () => {
  const abort = new AbortController();
  abort.abort();
  await expect(upload("/v1/imports", new Blob(["a"]), { request: answers([], []), signal: abort.signal })).rejects.toMatchObject({ name: "AbortError" });
});
