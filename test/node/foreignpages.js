"use strict";
// Chromium visits pages of other origins that try to make dialproxy.php dial, in every way
// that a page has, and then those that may. Each line of standard output is JSON:
// {"page", "number"} for a page of a stranger, which tries to call that number, and
// {"may", "text"} for the others.
//
// PBX: our server by its address. NAMED: the same by a name, over plain HTTP. EVIL, FRIEND: pages
// of other sites; SAME: of our server's site, but another port. They serve what ?html= says, and
// redirect to ?url= with the status ?code=.
const { chromium } = require("playwright-core");

const { PBX, NAMED, EVIL, SAME, FRIEND, REBOUND, CHROMIUM, PROFILE } = process.env;
const launch = {
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-popup-blocking"],
};
const say = (o) => console.log(JSON.stringify(o));

// get is the URL that dials, by GET. Each page tries a number of its own.
let number = 5550000;
const get = (pbx) => `${pbx}/dialproxy.php?num=${number}&ext=office`;
const post = (pbx) => pbx + "/dialproxy.php";
const form = (pbx, attributes) => `<form ${attributes} action="${post(pbx)}"><input name="num" value="${number}"><input name="ext" value="office"></form>
  <script>document.forms[0].submit()</script>`;
const script = (s) => `<script>${s}</script>`;
const fields = () => `new URLSearchParams({num: '${number}', ext: 'office'})`;

// attacks are pages. click: what is to be clicked there.
const attacks = {
  image: (p) => ({ html: `<img src="${get(p)}">` }),
  imageWithoutReferrer: (p) => ({ html: `<img referrerpolicy="no-referrer" src="${get(p)}">` }),
  script: (p) => ({ html: `<script src="${get(p)}"></script>` }),
  style: (p) => ({ html: `<link rel="stylesheet" href="${get(p)}">` }),
  frame: (p) => ({ html: `<iframe src="${get(p)}"></iframe>` }),
  object: (p) => ({ html: `<object data="${get(p)}"></object>` }),
  audio: (p) => ({ html: `<audio autoplay src="${get(p)}"></audio>` }),
  formGET: (p) => ({ html: form(p, 'method="get"') }),
  formPOST: (p) => ({ html: form(p, 'method="post"') }),
  formMultipart: (p) => ({ html: form(p, 'method="post" enctype="multipart/form-data"') }),
  formWithoutReferrer: (p) => ({ html: `<meta name="referrer" content="no-referrer">` + form(p, 'method="post"') }),
  formInSandbox: (p) => ({ html: `<iframe sandbox="allow-forms allow-scripts" srcdoc="${form(p, 'method="post"').replaceAll('"', "&quot;")}"></iframe>` }),
  fetch: (p) => ({ html: script(`fetch("${get(p)}", {mode: "no-cors"})`) }),
  fetchWithCredentials: (p) => ({ html: script(`fetch("${get(p)}", {mode: "no-cors", credentials: "include"})`) }),
  fetchCORS: (p) => ({ html: script(`fetch("${get(p)}")`) }),
  fetchPOST: (p) => ({ html: script(`fetch("${post(p)}", {mode: "no-cors", method: "POST", body: ${fields()}})`) }),
  fetchHeader: (p) => ({ html: script(`fetch("${get(p)}", {headers: {"X-Dialproxy-Token": "guess"}})`) }),
  beacon: (p) => ({ html: script(`navigator.sendBeacon("${post(p)}", ${fields()})`) }),
  eventSource: (p) => ({ html: script(`new EventSource("${get(p)}")`) }),
  navigation: (p) => ({ html: script(`location = "${get(p)}"`) }),
  refresh: (p) => ({ html: `<meta http-equiv="refresh" content="0;url=${get(p)}">` }),
  link: (p) => ({ html: `<a href="${get(p)}">win</a>`, click: "a" }),
  linkWithoutReferrer: (p) => ({ html: `<a rel="noreferrer" href="${get(p)}">win</a>`, click: "a" }),
  window: (p) => ({ html: `<button onclick="window.open('${get(p)}')">win</button>`, click: "button" }),
  windowWithoutOpener: (p) => ({ html: `<button onclick="window.open('${get(p)}', '', 'noopener,noreferrer')">win</button>`, click: "button" }),
  ping: (p) => ({ html: `<a ping="${get(p)}" href="#x">win</a>`, click: "a" }),
  redirect: (p) => ({ html: `<img src="/?code=302&url=${encodeURIComponent(get(p))}">` }),
  redirectedNavigation: (p) => ({ html: script(`location = "/?code=302&url=${encodeURIComponent(get(p))}"`) }),
  redirectedForm: (p) => ({ html: `<form method="post" action="/?code=307&url=${encodeURIComponent(post(p))}"><input name="num" value="${number}"><input name="ext" value="office"></form>` + script("document.forms[0].submit()") }),
  dataURL: (p) => ({ html: `<iframe src="data:text/html,${encodeURIComponent(form(p, 'method="post"'))}"></iframe>` }),
  prefetch: (p) => ({ html: `<link rel="prefetch" href="${get(p)}">` }),
  preload: (p) => ({ html: `<link rel="preload" as="image" href="${get(p)}">` }),
  prerender: (p) => ({ html: `<link rel="prerender" href="${get(p)}">` }),
  speculation: (p) => ({ html: `<script type="speculationrules">{"prefetch": [{"source": "list", "urls": ["${get(p)}"]}], "prerender": [{"source": "list", "urls": ["${get(p)}"]}]}</script>` }),
  // The page is ours, but in a stranger's frame it must not show.
  framedPage: (p) => ({ html: `<iframe src="${p}/dialproxy/tel?num=${number}&ext=office"></iframe>`, frame: true }),
};

// rare are those that Chromium may not carry out: they are not waited for as long.
const rare = ["preload", "prerender", "speculation", "ping", "fetchHeader"];

// attack visits one page, until our server has answered or a while has passed without a
// request.
async function attack(browser, page, from, target) {
  number++;
  const mine = number;
  const a = attacks[page](target);
  const context = await browser.newContext();
  let answered;
  const done = new Promise((resolve) => (answered = resolve));
  for (const event of ["response", "requestfailed", "requestfinished"]) {
    context.on(event, (r) => r.url().startsWith(target + "/dialproxy") && answered());
  }
  const tab = await context.newPage();
  await tab.goto(from + "/?html=" + encodeURIComponent(a.html), { waitUntil: "commit" });
  if (a.click) await tab.click(a.click, { noWaitAfter: true });
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, rare.includes(page) ? 500 : 5000))]);
  let shown = false;
  if (a.frame) shown = (await Promise.all(tab.frames().slice(1).map((f) => f.$("form").catch(() => null)))).some(Boolean);
  await context.close();
  say({ page, target, from, number: mine, shown });
}

// may runs a way that is meant to dial, and tells what the page read.
async function may(browser, name, f) {
  const context = await browser.newContext();
  const text = await f(await context.newPage(), context);
  await context.close();
  say({ may: name, text: String(text).trim() });
}

const result = (tab) => tab.waitForFunction(() => /Success|Error|No Answer|reached/.test(document.getElementById("state").textContent) && document.getElementById("state").textContent).then((h) => h.jsonValue());

async function allowed(browser) {
  await may(browser, "typed", async (tab) => (await tab.goto(get(PBX))).text());
  await may(browser, "our page", async (tab) => {
    await tab.goto(PBX + "/dialproxy/tel?num=tel:5550000&ext=office");
    await tab.click("form button");
    return result(tab);
  });
  await may(browser, "our page without its script", async (tab, context) => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const p = await plain.newPage();
    await p.goto(PBX + "/dialproxy/tel?num=5550000&ext=office");
    await p.click("form button");
    await p.waitForURL("**/dialproxy.php");
    const text = await p.innerText("body");
    await plain.close();
    return text;
  });
  await may(browser, "allowed origin", async (tab) => {
    await tab.goto(FRIEND + "/?html=friend");
    return tab.evaluate((u) => fetch(u, { method: "POST", body: new URLSearchParams({ num: "5550000", ext: "office" }) }).then((r) => r.text()), post(PBX));
  });
  await may(browser, "allowed origin, by the name", async (tab) => {
    await tab.goto(FRIEND + "/?html=friend");
    return tab.evaluate((u) => fetch(u).then((r) => r.text()), get(NAMED));
  });
  // The bookmarklets of docs/clients/bookmarklet.md, on a stranger's page.
  await may(browser, "bookmarklet that opens our page", async (tab, context) => {
    await tab.goto(EVIL + "/?html=" + encodeURIComponent("<p id=n>+49 89 5550000</p>"));
    const opened = context.waitForEvent("page");
    await tab.evaluate(() => getSelection().selectAllChildren(document.getElementById("n")));
    await tab.evaluate(process.env.BOOKMARKLET_PAGE.replace(/^javascript:/, "").replaceAll("https://pbx", PBX));
    const ours = await opened;
    await ours.waitForSelector("form");
    if ((await ours.inputValue("[name=num]")) !== "+49 89 5550000") return "the number is not there";
    await ours.click("form button");
    return result(ours);
  });
  await may(browser, "bookmarklet with a token", async (tab, context) => {
    await tab.goto(EVIL + "/?html=" + encodeURIComponent("<p id=n>+49 89 5550000</p>"));
    const response = context.waitForEvent("response", (r) => r.url() === post(PBX));
    await tab.evaluate(() => getSelection().selectAllChildren(document.getElementById("n")));
    await tab.evaluate(process.env.BOOKMARKLET_TOKEN.replace(/^javascript:/, "").replaceAll("https://pbx", PBX).replace("TOKEN", "a-long-token").replace("ext:'office'", "ext:'secret'"));
    return (await response).status() === 200 ? "Success" : "refused";
  });
  // Handlers of links are not for private windows, as contexts are.
  await may(browser, "tel: link", async () => {
    const context = await chromium.launchPersistentContext(PROFILE, launch);
    const tab = await context.newPage();
    const cdp = await context.newCDPSession(tab);
    await cdp.send("Page.enable");
    await cdp.send("Page.setRPHRegistrationMode", { mode: "autoAccept" });
    await tab.goto(PBX + "/dialproxy/tel?ext=office");
    await tab.click("#register");
    await tab.goto(EVIL + "/?html=" + encodeURIComponent('<a href="tel:+49895550000">call us</a>'));
    await tab.click("a");
    await tab.waitForURL(PBX + "/dialproxy/tel?**");
    await tab.click("form button");
    const text = await result(tab);
    await context.close();
    return text;
  });
}

(async () => {
  const browser = await chromium.launch(launch);
  for (const page of Object.keys(attacks)) {
    await Promise.all([
      attack(browser, page, EVIL, PBX), // Sec-Fetch-Site: cross-site
      attack(browser, page, SAME, PBX), // same-site
      attack(browser, page, EVIL, NAMED), // plain HTTP: browsers do not say who asks
    ]);
  }
  // A stranger's name that leads to our address: the page is same-origin, and not ours.
  await (async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(`${REBOUND}/dialproxy/tel?num=${++number}&ext=office`);
    await tab.click("form button");
    await result(tab);
    await context.close();
    say({ page: "rebound", target: REBOUND, from: REBOUND, number, shown: false });
  })();
  say({ attacked: true });
  await new Promise((resolve) => process.stdin.once("data", resolve)); // the test looks whether somebody was called
  await allowed(browser);
  await browser.close();
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
