// Phones and trunks in words: what they do now, and what an error of theirs asks for.
import type { Binding, Endpoint } from "./types/operations";

/** Shown is a word with the kind of its badge. */
export interface Shown {
  text: string;
  kind: "good" | "bad" | "warn" | "busy" | "info" | "plain";
}

/** stateOf says what a phone or trunk does now. */
export function stateOf(e: Pick<Endpoint, "state" | "kind" | "registered">): Shown {
  switch (e.state) {
    case "not in use":
      return { text: "ready", kind: "good" };
    case "in use":
      return { text: "in use", kind: "busy" };
    case "ringing":
      return { text: "ringing", kind: "busy" };
    case "on hold":
      return { text: "on hold", kind: "warn" };
    case "unavailable":
      return e.kind === "phone" && !e.registered ? { text: "not registered", kind: "plain" } : { text: "not reachable", kind: "bad" };
  }
  return { text: e.state, kind: "plain" };
}

/**
 * advice says what to do about the last error of a phone or trunk: "401 Unauthorized",
 * "403 Forbidden", "no answer", "dial tcp …: connection refused". "" = nothing better than the error itself.
 */
export function advice(error: string, kind: string): string {
  const status = Number(/\b([3-6]\d\d)\b/.exec(error)?.[1] ?? 0);
  if (status === 401 || status === 407) {
    return kind === "trunk" ? "The provider does not accept the name or the password: check user, auth_user and password of the trunk." : "The phone sends a wrong password: enter the one of the configuration.";
  }
  if (status === 403) return kind === "trunk" ? "The provider refuses this account or address: ask whether it may register from here." : "The phone may not do this: check its permissions.";
  if (status === 404) return "The other side does not know this name: check the user name and the domain.";
  if (status === 423) return "The time of the registration is too short for the other side; it is asked again with a longer one.";
  if (status === 408 || /time ?out|no (answer|response)|deadline/i.test(error)) {
    return kind === "trunk" ? "Nothing comes back: check the address and port, and that a firewall lets SIP through." : "The phone does not answer: check that it is on and that its network lets answers through.";
  }
  if (status >= 500) return "The other side has a fault of its own or is busy: it is tried again by itself.";
  if (/refused/i.test(error)) return "Nothing listens at that address: check host, port and transport.";
  if (/no such host|lookup|resolve/i.test(error)) return "The name cannot be found: check the host, or the DNS of this machine.";
  if (/certificate|tls|x509/i.test(error)) return "The encrypted connection fails: check the certificate and the name in it.";
  if (/unreachable|no route/i.test(error)) return "There is no way to that address: check the network of this machine.";
  return "";
}

/** Contact is where a phone has registered from, or where a trunk is. */
export interface Contact {
  uri: string;
  /** host:port, "" if it cannot be read. */
  address: string;
  /** "tcp", "" if it is not said. */
  transport: string;
  agent: string;
  /** Whether it answers OPTIONS, and how fast: "answers in 12 ms"; "" = not known. */
  answer: string;
  silent: boolean;
  registeredAt?: string;
  expiresAt?: string;
}

/** contactsOf gives what is known of the contacts of a phone or trunk. */
export function contactsOf(e: Endpoint): Contact[] {
  const list: Binding[] = e.bindings ?? (e.contacts ?? []).map((uri) => ({ uri, answers: "unknown", expires_at: e.expires_at }));
  return list.map(contactOf);
}

// An address of SIP is taken apart for showing only: what is not understood is shown as it is.
function contactOf(b: Binding): Contact {
  const uri = b.uri.replace(/^[^<]*</, "").replace(/>.*$/, "");
  const address = /^sips?:(?:[^@]*@)?([^;?>]+)/i.exec(uri)?.[1] ?? "";
  const transport = /;transport=([a-z-]+)/i.exec(uri)?.[1]?.toLowerCase() ?? (/^sips:/i.test(uri) ? "tls" : "");
  const answer = b.answers === "yes" ? `answers${b.round_trip ? ` in ${milliseconds(b.round_trip)}` : ""}` : b.answers === "no" ? "does not answer" : "";
  return {
    uri,
    address: b.address || address,
    transport,
    agent: b.user_agent ?? "",
    answer,
    silent: b.answers === "no",
    registeredAt: b.registered_at,
    expiresAt: b.expires_at,
  };
}

/** milliseconds gives a time in seconds as "0.4 ms", "12 ms". */
export function milliseconds(seconds: number): string {
  const ms = seconds * 1000;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/** matches says whether what was typed is in the name, the state or a contact. */
export function matches(e: Endpoint, typed: string): boolean {
  const t = typed.trim().toLowerCase();
  if (t === "") return true;
  return [e.name, stateOf(e).text, e.last_error ?? "", e.account ?? "", ...contactsOf(e).flatMap((c) => [c.uri, c.address, c.agent])].some((x) => x.toLowerCase().includes(t));
}
