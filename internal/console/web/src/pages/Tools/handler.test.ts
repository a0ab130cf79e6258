import { expect, test } from "vitest";
import { handlerURL, register, schemes } from "./handler";

test("the browser is asked with one %s for the whole link", () => {
  const asked: string[][] = [];
  const b = { isSecureContext: true, registerProtocolHandler: (scheme: string, url: string) => void asked.push([scheme, url]) };
  for (const s of schemes) expect(register(b, s.scheme, "https://pbx.example")).toContain(`${s.scheme}: links`);
  expect(asked[0]).toEqual(["tel", "https://pbx.example/console/#/dial?number=%s"]);
  expect(handlerURL("x").split("%s")).toHaveLength(2);
  // HTML allows "web+" with lower case letters only, besides its own list.
  for (const s of schemes) expect(["tel", "sip"].includes(s.scheme) || /^web\+[a-z]+$/.test(s.scheme)).toBe(true);
});

test("what does not work is said in words", () => {
  const fails = (name: string) => ({
    isSecureContext: true,
    registerProtocolHandler: () => {
      throw new DOMException("no", name);
    },
  });
  expect(() => register({ isSecureContext: false }, "tel", "")).toThrow(/HTTPS/);
  expect(() => register({ isSecureContext: true }, "tel", "")).toThrow(/cannot open links/);
  expect(() => register(fails("SecurityError"), "tel", "")).toThrow(/private windows/);
  expect(() => register(fails("SyntaxError"), "tel", "")).toThrow(/refuses: no/);
});
