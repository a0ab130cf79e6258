// Users as the form shows them, and what of it the server is sent.
import type { NewUser, User } from "./types/operations";

/** Roles, with what each may do (docs/users.md). */
export const roles = [
  { name: "user", title: "User", text: "acts for itself: calls from its own phone" },
  { name: "tenant-admin", title: "Tenant administrator", text: "acts for all users of its tenant" },
  { name: "admin", title: "Administrator", text: "acts for everybody, and sees and changes everything here" },
  { name: "minter", title: "Minter", text: "makes login tokens for users and does nothing else; for programs" },
] as const;

/** Form is the form of a user. */
export interface Form {
  name: string;
  first_name: string;
  last_name: string;
  email: string;
  role: User["role"];
  phone: string;
  account: string;
  disabled: boolean;
}

/** formOf gives the form of a user, or an empty one. */
export function formOf(u?: User): Form {
  return {
    name: u?.name ?? "",
    first_name: u?.first_name ?? "",
    last_name: u?.last_name ?? "",
    email: u?.email ?? "",
    role: u?.role ?? "user",
    phone: u?.phone ?? "",
    account: u?.account ?? "",
    disabled: u?.disabled ?? false,
  };
}

const texts = ["first_name", "last_name", "email", "phone", "account"] as const;

/** changes gives what of the form differs from the user, for PATCH /v1/users/{name}. */
export function changes(f: Form, u: User): Partial<NewUser> {
  const before = formOf(u);
  const out: Partial<NewUser> = {};
  for (const t of texts) if (f[t].trim() !== before[t]) out[t] = f[t].trim();
  if (f.role !== before.role) out.role = f.role;
  if (f.disabled !== before.disabled) out.disabled = f.disabled;
  return out;
}

/** creation gives the body of POST /v1/users. */
export function creation(f: Form, password: string): NewUser {
  const out: NewUser = { name: f.name.trim() };
  for (const t of texts) if (f[t].trim() !== "") out[t] = f[t].trim();
  if (f.role !== "user") out.role = f.role;
  if (f.disabled) out.disabled = true;
  if (password !== "") out.password = password;
  return out;
}

/** person gives the name of the person: "Ada Moss", "" if none is known. */
export function person(u: Pick<User, "first_name" | "last_name">): string {
  return [u.first_name, u.last_name].filter((x) => x !== undefined && x !== "").join(" ");
}

/** fits says whether what was typed is in what is shown of the user. */
export function fits(u: User, typed: string): boolean {
  const t = typed.trim().toLowerCase();
  return t === "" || [u.name, person(u), u.email ?? "", u.effective_phone ?? "", u.effective_account].some((x) => x.toLowerCase().includes(t));
}
