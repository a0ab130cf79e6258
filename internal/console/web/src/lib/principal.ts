// Under which name calls and the audit trail keep who is logged in.
import type { Session } from "./session.svelte";

/** principalOf gives "console:123@tenant.com" for a user, "console" for an administrator without a name, and the name of a key as it is. */
export function principalOf(s: Pick<Session, "name" | "role"> | undefined): string {
  if (s === undefined) return "";
  if (s.role === "key" || s.role === "local") return s.name;
  return s.name === "" ? "console" : `console:${s.name}`;
}
