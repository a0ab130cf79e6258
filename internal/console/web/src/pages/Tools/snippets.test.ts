import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { consoleLink, escape, quote, snippets, telURI, type Inputs } from "./snippets";

const inputs = (more: Partial<Inputs> = {}): Inputs => ({ origin: "https://pbx.example", number: "+49 30-123", user: "101", label: "office", text: "", ...more });
const code = (id: string, more: Partial<Inputs> = {}) => snippets(inputs(more)).find((s) => s.id === id)?.code;

test("links", () => {
  expect(code("tel")).toBe('<a href="tel:+4930123">+49 30-123</a>');
  expect(code("tel", { number: "*43#", text: "Echo" })).toBe('<a href="tel:*43%23">Echo</a>');
  expect(code("console")).toBe('<a href="https://pbx.example/console/#/dial?number=%2B49%2030-123">+49 30-123</a>');
  expect(code("dialproxy")).toBe('<a href="https://pbx.example/dialproxy/tel?ext=office&amp;num=%2B49%2030-123">+49 30-123</a>');
  expect(code("vodia", { user: "123@tenant.com" })).toContain("remote_call.htm?user=123%40tenant.com&amp;dest=%2B49%2030-123");
});

test("what is missing is said, and no half text is given", () => {
  const list = snippets(inputs({ number: " ", user: "", label: "" }));
  expect(list.every((s) => s.code === "" && s.missing !== "")).toBe(true);
  expect(snippets(inputs({ number: "ben" })).find((s) => s.id === "tel")?.missing).toMatch(/digits/);
});

test("hostile texts stay texts", () => {
  const evil = `"><script>alert(1)</script>'&`;
  for (const s of snippets(inputs({ number: evil, user: evil, label: evil, text: evil }))) {
    if (s.id !== "curl") expect(s.code.replace(/<script src="https:\/\/pbx.example\/js\/[a-z-]+.js" defer><\/script>/, "")).not.toMatch(/<script|">"|'&/);
  }
  expect(escape(`<a b="c">'&`)).toBe("&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
  expect(telURI(evil)).toBe("");
});

test("the shell gives the program what was meant", () => {
  const evil = `a'b $(id) "c" \\ \`x\``;
  expect(execFileSync("sh", ["-c", `printf %s ${quote(evil)}`]).toString()).toBe(evil);
  const line = (code("curl", { user: evil }) ?? "").replace("curl -s", "printf '%s\\n'");
  const sent = execFileSync("sh", ["-c", line]).toString().trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(sent)).toEqual({ first: evil, second: "+49 30-123" });
});

test("no snippet has a secret in it", () => {
  expect(snippets(inputs()).some((s) => /dw_|token=|password=/i.test(s.code))).toBe(false);
  expect(consoleLink("http://127.0.0.1:8088", "a&b#c")).toBe("http://127.0.0.1:8088/console/#/dial?number=a%26b%23c");
});
