import { expect, test } from "vitest";
import { legs, second } from "./legs";

const words = (state: string, bRings = false, held = "", then = "connect") => legs(state, { bRings, held }, then).map((l) => l.text);

test("the legs follow the state of the call", () => {
  expect(words("queued")).toEqual(["", ""]);
  expect(words("ringing")).toEqual(["rings", "comes next"]);
  expect(words("connecting")).toEqual(["waits for the other side", "is dialled"]);
  expect(words("connecting", true)).toEqual(["waits for the other side", "rings"]);
  expect(words("connected", true, "b")).toEqual(["is connected", "has put the call on hold"]);
  expect(words("ringing", false, "", "application")).toEqual(["rings", ""]);
  expect(words("connected", false, "", "application")).toEqual(["is connected", "runs"]);
});

test("the second party has a name whatever it is", () => {
  expect(second({ then: "connect", second: "102" })).toBe("102");
  expect(second({ then: "dialplan", dialplan: { context: "menu", extension: "s" } })).toBe("dialplan s@menu");
  expect(second({ then: "app", application: { name: "ivr" } })).toBe("ARI application ivr");
});
