package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/softphone"
	"github.com/dialwright/dialwright/test/harness"
)

// docs/vodia.md, run: its configuration, its script, its commands with curl, its conversation
// over a WebSocket, on the built binary with phones that ring.

// vodiaPasswords are the web passwords of the page's users.
var vodiaPasswords = map[string]string{
	"123@tenant.com": "password", "126@tenant.com": "password", "admin@tenant.com": "tenantadmin", "crm": "minting",
}

// pageOffice is the server that the page configures.
type pageOffice struct {
	*yard
	page      string
	here      string           // the server's host:port
	me, other *softphone.Phone // 123 and 200
	mine      *softphone.Call  // the calls that go on, nil = none
	others    *softphone.Call
	calls     int               // placed by the door so far
	known     map[string]string // what CALL-1 and its like stand for
}

func newPageOffice(t *testing.T) *pageOffice {
	t.Helper()
	harness.RequirePeer(t, "curl", "curl")
	harness.RequirePeer(t, "openssl", "openssl")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "vodia.md"))
	if err != nil {
		t.Fatal(err)
	}
	o := &pageOffice{yard: &yard{t: t, dir: t.TempDir()}, page: string(page), known: map[string]string{}}
	o.Server = harness.StartWith(t, harness.Limits{HTTP: true}, o.configuration())
	o.here = fmt.Sprintf("127.0.0.1:%d", o.HTTP)
	o.me = o.register("123", myTone)
	o.other = o.register("200", otherTone)
	return o
}

// configuration gives the page's, with passwords in it. The commands repeat their calls, and
// are many.
func (o *pageOffice) configuration() string {
	o.t.Helper()
	_, text, found := strings.Cut(o.page, "\n    [vodia]\n")
	text, _, ended := strings.Cut(text, "\n\n`dialwright user`")
	if !found || !ended {
		o.t.Fatal("the page has no configuration")
	}
	conf := strings.Builder{}
	conf.WriteString("[vodia]\ndedupe_window = \"0s\"\nper_minute = -1\n")
	section, name := "", ""
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimSpace(line)
		if inner, is := strings.CutPrefix(line, "["); is {
			inner, _, _ = strings.Cut(inner, "]")
			section, name, _ = strings.Cut(inner, ".")
			name = strings.Trim(name, `"`)
		}
		if strings.HasPrefix(line, `password = "…"`) {
			if line = fmt.Sprintf("password = %q", "secret-"+name); section == "users" {
				line = fmt.Sprintf("password = %q", auth.CheapHash(vodiaPasswords[name]))
			}
		}
		conf.WriteString(line + "\n")
	}
	return conf.String()
}

// register starts a phone whose keys the server may press.
func (o *pageOffice) register(name string, tone float64) *softphone.Phone {
	o.t.Helper()
	p, err := softphone.New(softphone.Config{
		User: name, Password: "secret-" + name, Server: fmt.Sprintf("127.0.0.1:%d", o.SIP), Domain: "test.local", Tone: tone, Keys: true,
		Rule: softphone.Rule{Action: softphone.Ring},
	})
	o.must(err)
	o.must(p.Start(o.t.Context()))
	o.t.Cleanup(func() { o.must(p.Stop(context.WithoutCancel(o.t.Context()))) })
	o.must(p.WaitRegistered(o.brief()))
	return p
}

// brief is the time that anything here may take.
func (o *pageOffice) brief() context.Context {
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	o.t.Cleanup(cancel)
	return ctx
}

// happenings do what the page says that happens between its commands, and check it.
var happenings = map[string]func(o *pageOffice){
	"Phone 123 rings and shows Ben Ives 200. Answered, it rings 200 at once.": func(o *pageOffice) {
		o.rings()
		if who := o.mine.Info().Remote; who.DisplayName != "Ben Ives" || who.User != "200" {
			o.t.Errorf("the phone shows %+v", who)
		}
		o.answered()
		o.talked()
	},
	"Phone 123 rings. Answered, it rings 200 at once.": func(o *pageOffice) {
		o.rings()
		o.answered()
		o.talked()
	},
	"Phone 123 rings. Answered, it asks for a 1; then 200 rings.": func(o *pageOffice) {
		o.rings()
		o.mine.Answer()
		o.until("it asks for a 1", func() bool { return o.newest().State == "confirming" })
		if n := len(o.other.Live()); n != 0 {
			o.t.Errorf("%d calls of 200 before the 1", n)
		}
		o.must(o.mine.SendDTMF(o.brief(), "1", false))
		o.rung()
		o.talked()
	},
	"No phone rings.": func(o *pageOffice) {
		if n := o.placed(); n != o.calls {
			o.t.Errorf("%d calls were made", n-o.calls)
		}
	},
	"Phone 123 rings.":               (*pageOffice).rings,
	"It is answered, and 200 rings.": (*pageOffice).answered,
	"200 answers.":                   (*pageOffice).joined,
	"Both phones are free.":          (*pageOffice).over,
	"200 hears the keys 12#.":        func(o *pageOffice) { o.must(o.others.WaitDigits(o.brief(), "12#")) },
}

// rings waits for the one call that phone 123 gets.
func (o *pageOffice) rings() {
	o.t.Helper()
	c, err := o.me.NextCall(o.brief())
	o.must(err)
	o.mine = c
	if o.calls++; o.placed() != o.calls {
		o.t.Errorf("%d calls were made, want %d", o.placed(), o.calls)
	}
}

// answered has phone 123 answer; then 200 rings.
func (o *pageOffice) answered() {
	o.t.Helper()
	o.mine.Answer()
	o.rung()
}

func (o *pageOffice) rung() {
	o.t.Helper()
	c, err := o.other.NextCall(o.brief())
	o.must(err)
	o.others = c
}

// joined has 200 answer; then both hear each other.
func (o *pageOffice) joined() {
	o.t.Helper()
	o.others.Answer()
	o.must(o.mine.WaitTone(o.brief(), otherTone))
	o.must(o.others.WaitTone(o.brief(), myTone))
}

// talked ends a call of which no more is told.
func (o *pageOffice) talked() {
	o.t.Helper()
	o.joined()
	o.mine.Hangup()
	o.over()
}

func (o *pageOffice) over() {
	o.t.Helper()
	o.must(o.mine.WaitEnded(o.brief()))
	o.must(o.others.WaitEnded(o.brief()))
	o.mine, o.others = nil, nil
}

// placedCall is a call as the API shows it.
type placedCall struct{ ID, State string }

func (o *pageOffice) list() []placedCall {
	o.t.Helper()
	var list struct{ Calls []placedCall }
	o.MustAPI("GET", "/v1/calls?door=vodia&limit=100", nil, &list)
	return list.Calls
}

// placed is how many calls the door has made.
func (o *pageOffice) placed() int { o.t.Helper(); return len(o.list()) }

// newest is the last of them.
func (o *pageOffice) newest() placedCall { o.t.Helper(); return o.list()[0] }

// line is one of a transcript: what is asked, what comes back, or what happens.
type line struct {
	kind string // "$ " and "→ " ask, "← " comes back, "# " happens
	text string
	more string // what comes back after "$ "; what comes back and goes on, after "← "
}

// lines reads the indented lines of a page that begin with one of the kinds, each with the
// indented lines that belong to it.
func lines(page string, kinds ...string) (list []line) {
	open := false
	for raw := range strings.Lines(page) {
		text, indented := strings.CutPrefix(strings.TrimSuffix(raw, "\n"), "    ")
		if !indented {
			open = false
			continue
		}
		started := false
		for _, kind := range kinds {
			if rest, is := strings.CutPrefix(text, kind); is {
				list = append(list, line{kind: kind, text: rest})
				started, open = true, kind == "$ " || kind == "← "
			}
		}
		if !started && open {
			list[len(list)-1].more += text + "\n"
		}
	}
	return list
}

// placeholder is a word of the page that stands for what the server makes.
var placeholder = regexp.MustCompile(`\b(?:CALL|TOKEN)-[0-9]+\b`)

// fill puts in what placeholders stand for, and the server.
func (o *pageOffice) fill(text string) string {
	for _, scheme := range []string{"https://", "wss://"} {
		plain := strings.NewReplacer("https", "http", "wss", "ws").Replace(scheme)
		text = strings.ReplaceAll(text, scheme+"pbx.example", plain+o.here)
	}
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		if v, known := o.known[name]; known {
			return v
		}
		return name
	})
}

// flat makes one line of a text, without the indentation of its lines.
func flat(text string) string {
	var b strings.Builder
	for raw := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(raw))
	}
	return b.String()
}

// matches compares what came with what the page says, and remembers what new placeholders
// stand for.
func (o *pageOffice) matches(got, says string) bool {
	want := regexp.QuoteMeta(flat(o.fill(says)))
	want = strings.ReplaceAll(want, "…", ".*?")
	var names []string
	want = placeholder.ReplaceAllStringFunc(want, func(name string) string {
		names = append(names, name)
		return "([A-Za-z0-9_-]+)"
	})
	m := regexp.MustCompile("(?s)^" + want + "$").FindStringSubmatch(flat(got))
	if m == nil {
		return false
	}
	for i, name := range names {
		o.known[name] = m[i+1]
	}
	return true
}

// happens does what the page says.
func (o *pageOffice) happens(text string) {
	o.t.Helper()
	f := happenings[text]
	if f == nil {
		o.t.Fatalf("the test does not know how this happens: %s", text)
	}
	f(o)
}

// terminal is a shell that runs one command after the other.
type terminal struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// terminal opens the page's shell. It has the page's script.
func (o *pageOffice) terminal() *terminal {
	o.t.Helper()
	_, script, _ := strings.Cut(o.page, "```sh\n")
	script, _, ok := strings.Cut(script, "```")
	if !ok {
		o.t.Fatal("the page has no script")
	}
	o.write("vodia-link", o.fill(script))
	o.must(os.Mkdir(filepath.Join(o.dir, ".config"), 0o700))
	o.write(".config/vodia-login", "user = \"123@tenant.com:password\"\n")
	cmd := exec.CommandContext(context.WithoutCancel(o.t.Context()), "bash", "-s") // it ends when its input does
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "HOME="+o.dir, "PATH="+o.dir+":"+os.Getenv("PATH"), "SECRET=linkpass")
	in, err := cmd.StdinPipe()
	o.must(err)
	out, err := cmd.StdoutPipe()
	o.must(err)
	cmd.Stderr = cmd.Stdout
	o.must(cmd.Start())
	o.t.Cleanup(func() {
		in.Close()
		o.must(cmd.Wait())
	})
	return &terminal{o.t, in, bufio.NewReader(out)}
}

// run gives what a command prints.
func (s *terminal) run(command string) string {
	s.t.Helper()
	const end = "=== end ==="
	if _, err := fmt.Fprintf(s.in, "%s\necho; echo %q\n", command, end); err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: %v\n%s", command, err, b.String())
		}
		if text == end+"\n" {
			return b.String()
		}
		b.WriteString(text)
	}
}

// Every command of the page prints what the page says, and then happens what it says. All five
// types of links are among them, and every action of REST that the page shows.
func TestVodiaAsDocumented(t *testing.T) {
	t.Parallel()
	o := newPageOffice(t)
	shell := o.terminal()
	before, _, _ := strings.Cut(o.page, "\n## WebSocket")
	commands, happened := 0, 0
	for _, l := range lines(before, "$ ", "# ") {
		if l.kind == "# " {
			happened++
			o.happens(l.text)
			continue
		}
		commands++
		var got string
		ask := func() bool {
			got = shell.run(o.fill(l.text))
			return o.matches(got, l.more)
		}
		// What phones do the server tells a moment later: what only asks is asked again.
		if strings.Contains(l.text, "/calls") && !strings.Contains(l.text, " -d ") && !strings.Contains(l.text, " -X ") {
			o.await(ask)
		} else {
			ask()
		}
		if !o.matches(got, l.more) {
			t.Fatalf("%s\nprints\n%s\nwant\n%s", l.text, got, l.more)
		}
	}
	if commands < 35 || happened < 12 {
		t.Errorf("the page has %d commands, between which %d things happen", commands, happened)
	}
	t.Logf("%d commands and %d things that happen", commands, happened)
}

// await asks until it is so, or for too long.
func (o *pageOffice) await(ok func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			return
		}
	}
}

// The conversation of the page over a WebSocket.
func TestVodiaSocketAsDocumented(t *testing.T) {
	t.Parallel()
	o := newPageOffice(t)
	conn := o.socket()
	_, after, _ := strings.Cut(o.page, "\n## WebSocket")
	frames := 0
	for _, l := range lines(after, "→ ", "← ", "# ") {
		switch l.kind {
		case "# ":
			o.happens(l.text)
		case "→ ":
			o.must(conn.Write(o.brief(), websocket.MessageText, []byte(o.fill(l.text))))
		default:
			o.frame(conn, l.text+"\n"+l.more)
		}
		if l.kind != "# " {
			frames++
		}
	}
	if frames < 15 {
		t.Errorf("the page has %d messages", frames)
	}
	o.must(conn.Close(websocket.StatusNormalClosure, ""))
	t.Logf("%d messages", frames)
}

// frame reads messages until the one that the page says. Others may be in between: the list
// comes at every change.
func (o *pageOffice) frame(conn *websocket.Conn, says string) {
	o.t.Helper()
	var seen []string
	for ctx := o.brief(); ; {
		kind, text, err := conn.Read(ctx)
		if err != nil || kind != websocket.MessageText {
			o.t.Fatalf("%v; came\n%s\nwant\n%s", err, strings.Join(seen, "\n"), says)
		}
		if o.matches(string(text), says) {
			return
		}
		seen = append(seen, string(text))
	}
}

// socket opens the user's, logged in by a token as a page of another site is.
func (o *pageOffice) socket() *websocket.Conn {
	o.t.Helper()
	at := url.URL{Scheme: "http", Host: o.here, Path: "/rest/system/session"}
	exchange := func(body, name, password string) (answer any, cookies []*http.Cookie) {
		req, err := http.NewRequestWithContext(o.brief(), http.MethodPost, at.String(), strings.NewReader(body))
		o.must(err)
		if name != "" {
			req.SetBasicAuth(name, password)
		}
		resp, err := http.DefaultClient.Do(req)
		o.must(err)
		defer resp.Body.Close()
		o.must(json.NewDecoder(resp.Body).Decode(&answer))
		return answer, resp.Cookies()
	}
	token, _ := exchange(`{"name":"3rd","username":"123","domain":"tenant.com"}`, "crm", vodiaPasswords["crm"])
	done, cookies := exchange(fmt.Sprintf(`{"name":"session","value":%q}`, token), "", "")
	if done != true || len(cookies) != 1 {
		o.t.Fatalf("token %v is exchanged for %v, %v", token, done, cookies)
	}
	header := http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}}
	conn, _, err := websocket.Dial(o.brief(), "ws://"+o.here+"/websocket?domain=tenant.com&user=123", &websocket.DialOptions{HTTPHeader: header})
	o.must(err)
	o.t.Cleanup(func() { _ = conn.CloseNow() }) // usually closed already
	return conn
}
