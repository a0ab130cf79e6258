import { describe, expect, it } from "vitest";
import { changes, creation, fits, formOf, person } from "./users";
import type { User } from "./types/operations";

const ada: User = {
  name: "123@t",
  source: "store",
  role: "user",
  first_name: "Ada",
  last_name: "Moss",
  phone: "123",
  effective_phone: "123",
  effective_account: "sales",
  disabled: false,
  has_password: true,
  has_digest: false,
  has_link_secret: false,
};

describe("users", () => {
  it("sends what was changed, and nothing else", () => {
    const f = formOf(ada);
    expect(changes(f, ada)).toEqual({});
    expect(changes({ ...f, phone: " ", role: "admin", disabled: true }, ada)).toEqual({ phone: "", role: "admin", disabled: true });
  });

  it("makes a user of what was filled in", () => {
    expect(creation({ ...formOf(), name: " 7 " }, "")).toEqual({ name: "7" });
    expect(creation({ ...formOf(), name: "7", role: "admin", email: "a@b" }, "secret-12")).toEqual({ name: "7", role: "admin", email: "a@b", password: "secret-12" });
  });

  it("finds by what is shown", () => {
    expect(person(ada)).toBe("Ada Moss");
    expect(fits(ada, "moss")).toBe(true);
    expect(fits(ada, "sales")).toBe(true);
    expect(fits(ada, "ben")).toBe(false);
  });
});
