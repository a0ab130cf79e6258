package peers

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/harness"
)

// glueMains make programs of the glue that docs/clients/click-to-dial.md prints, by its
// language: each serves /rest/pbxlogin at 127.0.0.1:$PORT for somebody who is logged in
// as extension 123.
var glueMains = map[string]struct {
	file, head, tail string
	command          []string
}{
	"js": {"glue.cjs", "", `
const express = { get: (path, f) => require("node:http").createServer((req, res) => {
  if (req.url !== path) return res.writeHead(404).end();
  req.get = (name) => req.headers[name.toLowerCase()];
  res.set = (name, value) => res.setHeader(name, value);
  res.sendStatus = (status) => { res.writeHead(status).end(); };
  res.json = (o) => res.setHeader("Content-Type", "application/json").end(JSON.stringify(o));
  f(req, res);
}).listen(process.env.PORT, "127.0.0.1") };
route(express, () => "123");
`, []string{"node", "glue.cjs"}},
	"go": {"glue.go", `package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

`, `
func main() {
	p := &PBX{os.Getenv("PBX_URL"), os.Getenv("PBX_HOST"), os.Getenv("PBX_TENANT"), os.Getenv("PBX_MINTER"), os.Getenv("PBX_PASSWORD")}
	http.HandleFunc("GET /rest/pbxlogin", p.ServeLogin(func(*http.Request) string { return "123" }))
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
`, []string{"./glue"}},
	"php": {"glue.php", "", "", []string{"php", "-S", "127.0.0.1:", "router.php"}},
}

// glue runs the one of a language and gives its port; 0 = the language is not installed here.
func (o *clickOffice) glue(language string) (port int) {
	o.t.Helper()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients", "click-to-dial.md"))
	o.must(err)
	m := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(doc)
	if m == nil {
		o.t.Fatalf("docs/clients/click-to-dial.md has no glue in %s", language)
	}
	main, dir := glueMains[language], o.t.TempDir()
	write := func(name, text string) {
		o.t.Helper()
		o.must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write(main.file, main.head+string(m[1])+main.tail)
	command := main.command
	port = harness.FreePort(o.t)
	switch language {
	case "go":
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "glue"), main.file)
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			o.t.Fatalf("go build: %v\n%s", err, out)
		}
	case "php":
		if _, err := exec.LookPath("php"); err != nil {
			return 0
		}
		write("router.php", `<?php session_id("crm"); session_start(); $_SESSION['extension'] = '123'; session_write_close(); require 'glue.php';`)
		command = []string{"php", "-S", fmt.Sprintf("127.0.0.1:%d", port), "router.php"}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port), fmt.Sprintf("PBX_URL=http://127.0.0.1:%d", o.HTTP), "PBX_HOST="+o.front.host("pbx"),
		"PBX_TENANT=tenant.com", "PBX_MINTER=crm", "PBX_PASSWORD=secret")
	cmd.Stderr = o.t.Output()
	o.must(cmd.Start())
	o.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has no other end
		_ = cmd.Wait()
	})
	o.until("the glue listens", func() bool {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/rest/other", port))
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return port
}

// crm is a site with customers: one and two in the published markup, el as our element. Its
// glue is at a port.
func (o *clickOffice) crm(glue int) http.Handler {
	pbx := o.front.host("pbx")
	mux := http.NewServeMux()
	mux.Handle("/rest/pbxlogin", httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", glue)}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src https://%[1]s; connect-src 'self' https://%[1]s wss://%[1]s", pbx))
		fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>CRM</title><h1>Customers</h1>
<p>%s</p><p>%s</p><p>Ann <dialwright-call id="el" number="200" name="Ann"></dialwright-call></p>
<script src="https://%[3]s/js/callback.js"></script><script src="https://%[3]s/js/dialwright-call.js"></script>`,
			published("one", "200"), published("two", "124"), pbx)
	})
	return mux
}

// A page of another site, on the list, with the glue of the documentation: the published
// markup, two elements, and ours. Then the same in a browser that keeps none of the
// server's cookies.
func TestClickOnAnotherSite(t *testing.T) {
	t.Parallel()
	crm := newHTTPSFront(t)
	o := newClickOffice(t, fmt.Sprintf("allowed_origins = [%q]\n", crm.url("crm")))
	ran := 0
	for _, language := range []string{"js", "go", "php"} {
		port := o.glue(language)
		if port == 0 {
			t.Logf("%s is not installed: its glue was not run", language)
			continue
		}
		ran++
		crm.serve(o.crm(port))
		for _, cookies := range []bool{true, false} {
			name := fmt.Sprintf("%s, cookies %v", language, cookies)
			o.front.keepCookies(cookies)
			before := len(o.front.requests("/websocket"))
			p := o.web.open(name, crm.url("crm")+"/", args{"context": name})
			p.click("#one [name=call]")
			mine := o.rings(o.me)
			p.told("one", "alerting")
			mine.Answer()
			others := o.rings(o.other)
			others.Answer()
			p.told("one", "connected")
			p.shot(language)
			p.click("#one [name=cancel]")
			o.over(mine, others)
			p.told("one", "ended")
			p.visible("#one [name=call]")

			p.click("#two [name=call]")
			mine = o.rings(o.me)
			p.told("two", "alerting")
			p.click("#two [name=cancel]")
			o.over(mine)
			p.toldWhy("two", "ended", "cancelled")
			p.visible("#two [name=call]")

			p.click("#el [part=call]")
			mine = o.rings(o.me)
			mine.Answer()
			others = o.rings(o.other)
			p.says("#el [part=status]", "Ringing Ann")
			others.Answer()
			p.says("#el [part=status]", "Connected")
			p.click("#el [part=hangup]")
			o.over(mine, others)
			p.says("#el [part=status]", "Ended.")
			if said := p.console(); strings.Contains(said, "CSP") || strings.Contains(said, "uncaught") {
				t.Errorf("the console says:\n%s", said)
			}
			p.do("close", nil)
			o.until("the sockets have ended", func() bool { return len(o.front.requests("/websocket")) >= before+2 })
			for _, r := range o.front.requests("/websocket")[before:] {
				byCookie := strings.Contains(r.Header.Get("Cookie"), "session=")
				if byCookie != cookies {
					t.Errorf("%s: a socket with a cookie: %v", name, byCookie)
				}
			}
			if o.Log.Contains("session=") {
				t.Error("a session stands in the log")
			}
		}
	}
	if ran < 2 {
		t.Error("no glue was run")
	}
}

// strangerPages are pages of strangers that try to make the telephone of who looks at them
// call %[1]d, of the server at %[2]s (a host).
var strangerPages = map[string]string{
	"image":            `<img src="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d&connect=true">`,
	"image, no user":   `<img src="https://%[2]s/remote_call.htm?dest=%[1]d">`,
	"script":           `<script src="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d"></script>`,
	"style":            `<link rel="stylesheet" href="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d">`,
	"frame":            `<iframe src="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d"></iframe>`,
	"frame of page":    `<iframe src="https://%[2]s/click-to-dial?number=%[1]d"></iframe>`,
	"object":           `<object data="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d"></object>`,
	"form GET":         `<form action="https://%[2]s/remote_call.htm"><input name="user" value="123@tenant.com"><input name="dest" value="%[1]d"></form><script>document.forms[0].submit()</script>`,
	"form POST":        `<form method="post" action="https://%[2]s/remote_call.htm?x=%[1]d"><input name="user" value="123@tenant.com"><input name="dest" value="%[1]d"></form><script>document.forms[0].submit()</script>`,
	"form POST, query": `<form method="post" action="https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d"></form><script>document.forms[0].submit()</script>`,
	"form POST, blank": `<iframe sandbox="allow-forms allow-scripts" srcdoc="<form method=post action='https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d'></form><script>document.forms[0].submit()</script>"></iframe>`,
	"form JSON":        `<form method="post" enctype="text/plain" action="https://%[2]s/rest/user/123@tenant.com/calls?x=%[1]d"><input name='{"remote-dial":"%[1]d","name":"' value='"}'></form><script>document.forms[0].submit()</script>`,
	"fetch":            `<script>fetch("https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d", {mode: "no-cors", credentials: "include"})</script>`,
	"fetch CORS":       `<script>fetch("https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d", {credentials: "include"})</script>`,
	"fetch JSON":       `<script>fetch("https://%[2]s/rest/user/123@tenant.com/calls?x=%[1]d", {method: "POST", mode: "no-cors", credentials: "include", body: '{"remote-dial":"%[1]d"}'})</script>`,
	"fetch JSON typed": `<script>fetch("https://%[2]s/rest/user/123@tenant.com/calls?x=%[1]d", {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body: '{"remote-dial":"%[1]d"}'})</script>`,
	"beacon":           `<script>navigator.sendBeacon("https://%[2]s/rest/user/123@tenant.com/calls?x=%[1]d", '{"remote-dial":"%[1]d"}')</script>`,
	"navigation":       `<script>location = "https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d&connect=true"</script>`,
	"refresh":          `<meta http-equiv="refresh" content="0;url=https://%[2]s/remote_call.htm?user=123@tenant.com&dest=%[1]d">`,
	"page":             `<script>location = "https://%[2]s/click-to-dial?number=%[1]d"</script>`,
	"redirect":         `<img src="/?to=https%%3A%%2F%%2F%[2]s%%2Fremote_call.htm%%3Fuser%%3D123%%40tenant.com%%26dest%%3D%[1]d">`,
	"redirected POST":  `<form method="post" action="/?to=https%%3A%%2F%%2F%[2]s%%2Fremote_call.htm%%3Fuser%%3D123%%40tenant.com%%26dest%%3D%[1]d"></form><script>document.forms[0].submit()</script>`,
	"socket":           `<script>const s = new WebSocket("wss://%[2]s/websocket?domain=tenant.com&user=123&x=%[1]d"); s.onopen = () => s.send('{"action":"make-call","to":"%[1]d"}')</script>`,
	"socket, blank":    `<iframe sandbox="allow-scripts" srcdoc="<script>const s = new WebSocket('wss://%[2]s/websocket?domain=tenant.com&user=123&x=%[1]d'); s.onopen = () => s.send(JSON.stringify({action: 'make-call', to: '%[1]d'}))</script>"></iframe>`,
	"widget":           `<pbxcall number="%[1]d"><button name="call">Win</button></pbxcall><script src="https://%[2]s/js/callback.js" data-login="https://%[2]s/rest/pbxlogin?x=%[1]d"></script><script>document.querySelector("button").click()</script>`,
	"element":          `<script src="https://%[2]s/js/dialwright-call.js"></script><dialwright-call number="%[1]d" login="https://%[2]s/rest/pbxlogin?x=%[1]d"></dialwright-call><script>document.querySelector("dialwright-call").call()</script>`,
	"own glue":         `<pbxcall number="%[1]d"><button name="call">Win</button></pbxcall><script src="https://%[2]s/js/callback.js?x=%[1]d" data-login="/glue" ></script><script>document.querySelector("button").click()</script>`,
	"token":            `<script>fetch("https://%[2]s/rest/system/session?x=%[1]d", {method: "POST", mode: "no-cors", credentials: "include", body: '{"name":"3rd","username":"123","domain":"tenant.com"}'})</script>`,
	"logout":           `<script>fetch("https://%[2]s/rest/system/session?x=%[1]d", {method: "DELETE", credentials: "include"})</script>`,
}

// Pages of strangers that somebody looks at who is logged in here call nobody, whatever
// they try; neither do those of the server's own host at another port, to which the
// browser sends the server's cookies. Then the same person calls somebody.
func TestStrangersCallNobody(t *testing.T) {
	t.Parallel()
	o := newEmptyOffice(t, "")
	phone := startSIPpAt(t, o.registerSIPp("123"), 1, sippRings, "-timeout", "1000")
	evil := newHTTPSFront(t)
	evil.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.FormValue("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		if r.URL.Path == "/glue" {
			fmt.Fprintf(w, `{"session":"aaaaaaaaaaaaaaaaaaaa","server":%q,"user":"123","domain":"tenant.com"}`, o.front.host("pbx"))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>stranger</title><body>"+r.FormValue("html"))
	}))
	p := o.login("123", "123@tenant.com")
	number := 5550000
	for name, html := range strangerPages {
		for _, from := range []string{evil.url("evil"), evil.url("pbx")} {
			number++
			q := o.web.open(name, "", args{"context": "123"})
			q.do("visit", args{"url": from + "/?html=" + url.QueryEscape(fmt.Sprintf(html, number, o.front.host("pbx")))})
			o.front.saw(fmt.Sprint(number))
			if strings.HasPrefix(name, "frame") && q.eval(`(() => { try { return frames[0].document.forms.length } catch { return "foreign" } })()`) != "foreign" {
				t.Errorf("%s: the frame is not the server's", name)
			}
			q.do("close", nil)
		}
	}
	var list struct{ Calls []map[string]any }
	o.MustAPI("GET", "/v1/calls?limit=1000", nil, &list)
	if len(list.Calls) != 0 {
		t.Errorf("strangers have made %d calls: %v", len(list.Calls), list.Calls)
	}
	if messages := phone.Messages(); strings.Contains(messages, "INVITE ") {
		t.Errorf("the phone was called:\n%.2000s", messages)
	}
	t.Logf("%d pages from two origins, no call", len(strangerPages))

	p.number("200")
	p.click("#component [part=call]")
	p.told("component", "alerting")
	p.click("#component [part=hangup]")
	phone.Wait()
	if messages := phone.Messages(); !strings.Contains(messages, "INVITE ") {
		t.Error("SIPp does not write down what it is sent")
	}
}
