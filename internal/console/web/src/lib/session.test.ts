import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { get } from "./api";
import { session, type Session } from "./session.svelte";

// Who the server says is logged in.
let who: Session | undefined;
const ada = (csrf: string): Session => ({ name: "ada", role: "user", scopes: [], csrf });

beforeEach(async () => {
  vi.stubGlobal("location", { reload: vi.fn(), hash: "" });
  vi.stubGlobal("fetch", async (path: string) => {
    if (path.startsWith("/v1/session")) return who === undefined ? new Response(null, { status: 204 }) : Response.json(who);
    if (who === undefined) return Response.json({ code: "session", detail: "The session has ended." }, { status: 401 });
    return Response.json({ path });
  });
  who = ada("one");
  session.current = undefined;
  await session.load();
});
afterEach(() => {
  session.giveUp();
  vi.unstubAllGlobals();
});

it("says that nobody is logged in without an error", async () => {
  who = undefined;
  session.current = undefined;
  expect(await session.load()).toBe(false);
});

it("goes on by itself when another tab has logged in again", async () => {
  who = undefined;
  const answer = get<{ path: string }>("/v1/calls");
  await vi.waitFor(() => expect(session.asking).toBe("The session has ended."));
  who = ada("two"); // in another tab
  await session.check();
  expect(await answer).toEqual({ path: "/v1/calls" });
  expect(session.asking).toBe("");
  expect(session.csrf).toBe("two");
});

it("takes the token of a session that another tab has opened, without asking", async () => {
  who = ada("two");
  await session.renew({ detail: "token" } as never, "one");
  expect([session.asking, session.csrf]).toEqual(["", "two"]);
});

it("loads the page again when somebody else has logged in", async () => {
  who = { ...ada("three"), name: "bob" };
  await session.check();
  expect(location.reload).toHaveBeenCalledOnce();
  expect(session.current?.name).toBe("ada");
});

it("does not ask again who has said not now, unless they want to log in", async () => {
  who = undefined;
  await session.check();
  expect(session.asking).not.toBe("");
  session.giveUp();
  await session.check();
  expect(session.asking).toBe("");
  await session.check(true);
  expect(session.asking).not.toBe("");
});
