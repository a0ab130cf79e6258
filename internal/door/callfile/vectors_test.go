package callfile_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/softphone"
)

// vector is one case of testdata/vectors/callfile.json: what Asterisk 22.10.1 did.
type vector struct {
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Files   []vectorFile   `json:"files"`
	Actions []vectorAction `json:"actions"`
	RunS    float64        `json:"run_s"`
	Ours    string         `json:"ours"`
	Expect  expectation    `json:"expect"`
}

type vectorFile struct {
	Name   string  `json:"name"`
	Text   string  `json:"text"`
	Base64 string  `json:"base64"`
	Mtime  int     `json:"mtime"`
	How    string  `json:"how"`
	Pause  float64 `json:"pause"`
}

type vectorAction struct {
	At    float64    `json:"at"`
	Op    string     `json:"op"`
	File  vectorFile `json:"file"`
	Name  string     `json:"name"`
	To    string     `json:"to"`
	Text  string     `json:"text"`
	Mtime int        `json:"mtime"`
}

type expectation struct {
	Attempts  int                    `json:"attempts"`
	Trace     []traced               `json:"trace"`
	Unordered bool                   `json:"unordered"`
	Queue     map[string]queuedFile  `json:"queue"`
	Archive   map[string]string      `json:"archive"`
	detail    string                 // of the only call's CDR; "" = not looked at
	failed    func(dir string) error // looks into the folder of failed files; nil = not looked at
}

type traced struct {
	T    float64 `json:"t"`
	Text string  `json:"text"`
}

type queuedFile struct {
	Text  string `json:"text"`
	Mtime int    `json:"mtime"`
}

func loadVectors(t *testing.T) (extensions string, list []vector) {
	t.Helper()
	path := os.Getenv("DIALWRIGHT_VECTORS")
	if path == "" {
		path = filepath.Join("..", "..", "..", "testdata", "vectors")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "callfile.json")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Format  string            `json:"format"`
		Fixture map[string]string `json:"fixture"`
		Vectors []vector          `json:"vectors"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	if f.Format != "callfile-vectors/1" || len(f.Vectors) == 0 {
		t.Fatalf("%s: format %q with %d vectors", path, f.Format, len(f.Vectors))
	}
	return f.Fixture["extensions.conf"], f.Vectors
}

// peerAndRun is the trace of a plain call to Local/dump@phone.
func peerAndRun() []traced {
	const rest = "num=[] name=[] acct=[] A=[] B=[] C=[] att=1"
	return []traced{{0, "PEER " + rest}, {0, "RUN exten=100 ctx=in prio=1 state=Up " + rest}, {0, "RUN2 exten=100 prio=2"}}
}

// taken is a file that our mode reads where Asterisk does not.
func taken(e *expectation) { e.Attempts, e.Trace = 1, peerAndRun() }

// reason changes REASON in the trace of the extension failed.
func reason(n int) func(*expectation) {
	return func(e *expectation) {
		e.Trace = slices.Clone(e.Trace)
		e.Trace[0].Text = strings.Replace(e.Trace[0].Text, "reason=0", fmt.Sprintf("reason=%d", n), 1)
	}
}

func later(t float64) func(*expectation) {
	return func(e *expectation) {
		e.Trace = slices.Clone(e.Trace)
		for i := range e.Trace {
			e.Trace[i].T = t
		}
	}
}

// ours says what our mode does where a vector has the field `ours`, whose text
// is for people.
func ours() map[string]func(*expectation) {
	const answer = "Channel: Local/answer@phone\nContext: in\nExtension: 100\n"
	run := func(exten string) []traced {
		return []traced{
			{1, "RUN exten=" + exten + " ctx=in prio=1 state=Up num=[] name=[] acct=[] A=[] B=[] C=[] att=1"}, {1, "RUN2 exten=" + exten + " prio=2"},
		}
	}
	return map[string]func(*expectation){
		"CF-004": taken, "CF-005": taken, "CF-006": taken,
		"CF-022": func(e *expectation) {
			e.failed = func(dir string) error {
				b, err := os.ReadFile(filepath.Join(dir, "cf-022.call.reason"))
				if err == nil && !strings.HasPrefix(string(b), "Status: Failed\nReason: invalid call file: no Channel line") {
					err = fmt.Errorf("reason is %q", b)
				}
				return err
			}
		},
		"CF-027": func(e *expectation) { e.detail = call.CompletedNoDestination },
		"CF-030": func(e *expectation) { e.Trace = []traced{{0, "RUN2 exten=100 prio=2"}} },
		"CF-036": func(e *expectation) { e.detail = call.CompletedNoApplication },
		"CF-058": reason(5),
		"CF-078": func(e *expectation) {
			e.Archive = map[string]string{"cf-078.call": "Archive: yes\nContext: in\nStatus: Failed\n"}
		},
		"CF-080": func(e *expectation) {
			two := e.Archive["same.call"]
			one := strings.NewReplacer("Account: two", "Account: one", "Archive: true", "Archive: 1").Replace(two)
			e.Archive = map[string]string{"same.call": one, "same.call.1": two}
		},
		"CF-081": func(e *expectation) { // kept as it is; the time is its owner's
			text, _, _ := strings.Cut(e.Queue["cf-081.call"].Text, "\nDelayedRetry")
			e.Queue = map[string]queuedFile{"cf-081.call": {strings.TrimSuffix(text, "\n") + "\n", 0}}
		},
		"CF-083": func(e *expectation) {
			e.Attempts, e.Trace, e.Queue = 0, nil, map[string]queuedFile{"cf-083.call": {answer, 30}}
		},
		"CF-084": func(e *expectation) { e.Attempts, e.Trace, e.Queue = 1, run("100"), nil },
		"CF-085": func(e *expectation) { e.Trace = run("101") },
		"CF-091": taken,
		"CF-092": later(0),
		"CF-093": func(e *expectation) { // left alone
			e.Attempts, e.Trace, e.Queue = 0, nil, map[string]queuedFile{".hidden.call": {answer, 0}}
		},
		"CF-095": func(*expectation) {}, // what can be seen is the same; the files are looked at in TestW5
		"CF-097": func(e *expectation) { e.Attempts, e.Trace, e.Queue = 0, nil, nil },
		"CF-098": reason(5), "CF-100": reason(8), "CF-101": reason(8),
	}
}

// TestVectorsCallfile runs every vector through the real door, originator,
// store, switch and dialplan: in our own mode, where `ours` counts, and in that
// of Asterisk 22.
func TestVectorsCallfile(t *testing.T) {
	extensions, list := loadVectors(t)
	differs := ours()
	starting := make(chan struct{}, 1) // one server starts at a time: the others are to keep their seconds
	for _, compat := range []bool{false, true} {
		name := map[bool]string{false: "safe", true: "asterisk22"}[compat]
		var passed, again atomic.Int32
		t.Run(name, func(t *testing.T) {
			for _, v := range list {
				t.Run(v.ID, func(t *testing.T) {
					t.Parallel()
					if v.Ours != "" && !compat {
						change := differs[v.ID]
						if change == nil {
							t.Fatalf("nothing is known of ours: %s", v.Ours)
						}
						change(&v.Expect)
					}
					var err error
					for try := range 4 { // a busy machine does not keep the seconds of a vector
						if try > 0 {
							again.Add(1)
						}
						c := &vectorCase{T: t, v: v, compat: compat, extensions: extensions, dir: memoryDir(t), starting: starting}
						if err = c.run(); err == nil {
							passed.Add(1)
							return
						}
					}
					t.Error(err)
				})
			}
		})
		t.Logf("%s: %d of %d vectors pass (%d further tries: the machine was late)", name, passed.Load(), len(list), again.Load())
	}
}

// memoryDir gives a directory in memory if there is such a place: a disk that
// others use stands still for seconds, and a vector's time is in tenths of them.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "dialwright-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// vectorCase is one vector with its own server.
type vectorCase struct {
	*testing.T
	v          vector
	compat     bool
	extensions string
	dir        string
	starting   chan struct{}
	dial       string // {phone:STEPS} as it stands in the file
	phone      *softphone.Rule
	house      *house    // nil: a process of its own
	child      *exec.Cmd // if it is to be killed
	tell       io.Writer // its standard input
	said       *bufio.Reader
	log        logbook

	begun time.Time // the full second of delivery

	mu       sync.Mutex // guards what follows
	trace    []traced
	attempts int
	cleared  time.Time // what came before is forgotten
}

var phonePlaceholder = regexp.MustCompile(`\{phone:([^}]*)\}`)

func (c *vectorCase) run() error {
	for _, d := range []string{"tmp", "outgoing", "outgoing_done"} {
		if err := os.Mkdir(filepath.Join(c.dir, d), 0o755); err != nil {
			c.Fatal(err)
		}
	}
	for _, f := range c.v.Files {
		if m := phonePlaceholder.FindStringSubmatch(f.Text); m != nil {
			r, err := rule(m[1])
			if err != nil {
				c.Fatal(err)
			}
			c.dial, c.phone = m[0], &r
		}
	}
	c.starting <- struct{}{}
	c.open()
	<-c.starting
	defer c.close()
	// Just after a full second (README of the vectors).
	c.begun = time.Now().Truncate(time.Second).Add(time.Second)
	<-time.After(time.Until(c.begun) + 5*time.Millisecond)
	for _, f := range c.v.Files {
		c.deliver(f)
	}
	for _, a := range c.v.Actions {
		<-time.After(time.Until(c.begun.Add(seconds(a.At))))
		c.act(a)
	}
	end := seconds(c.v.RunS)
	if end == 0 {
		end = 1500 * time.Millisecond
	}
	if c.child != nil {
		end -= 500 * time.Millisecond // the phase of Asterisk's restart within its second, which CF-097 has to the tenth
	}
	<-time.After(time.Until(c.begun.Add(end)))
	// A busy machine, and the time that a bad file has to settle.
	limit := time.Now().Add(3 * time.Second)
	err := c.check()
	for err != nil && time.Now().Before(limit) {
		<-time.After(100 * time.Millisecond)
		err = c.check()
	}
	if err != nil {
		err = fmt.Errorf("%s: %s\nours: %s\n%w\nlog:\n%s", c.v.ID, c.v.Title, c.v.Ours, err, c.logged())
	}
	return err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// open starts the server: in a process of its own if it will be killed.
func (c *vectorCase) open() {
	if slices.ContainsFunc(c.v.Actions, func(a vectorAction) bool { return a.Op == "kill" }) {
		if err := os.WriteFile(filepath.Join(c.dir, "extensions.conf"), []byte(c.extensions), 0o600); err != nil {
			c.Fatal(err)
		}
		c.spawn()
		c.start()
		return
	}
	var err error
	c.house, err = openHouse(c.Context(), houseOptions{
		dir: c.dir, compat: c.compat, extensions: c.extensions, phone: c.phone, log: &c.log, fast: true,
		trace: func(text string) { c.note(time.Now(), text) },
		event: func(call.Event) { c.note(time.Now(), attemptNote) },
	})
	if err != nil {
		c.Fatal(err)
	}
}

// spawn starts the child up to where it opens its door: what comes before takes
// a machine's time and not the vector's.
func (c *vectorCase) spawn() {
	c.child = exec.Command(os.Args[0])
	c.child.Env = append(os.Environ(), houseVar+"="+c.dir)
	if c.compat {
		c.child.Env = append(c.child.Env, houseVar+"_COMPAT=1")
	}
	c.child.Stderr = os.Stderr
	out, err := c.child.StdoutPipe()
	c.must(err)
	c.said = bufio.NewReader(out)
	c.tell, err = c.child.StdinPipe()
	c.must(err)
	c.must(c.child.Start())
}

// start lets the child open its door.
func (c *vectorCase) start() {
	_, err := io.WriteString(c.tell, "go\n")
	c.must(err)
	if s, err := c.said.ReadString('\n'); s != "started\n" {
		c.Fatalf("child said %q, %v", s, err)
	}
}

func (c *vectorCase) kill() {
	if err := c.child.Process.Kill(); err != nil {
		c.Error(err)
	}
	_ = c.child.Wait() // says that it was killed
	c.child = nil
}

func (c *vectorCase) close() {
	if c.child != nil {
		c.kill()
	}
	if c.house != nil {
		if err := c.house.close(); err != nil {
			c.Errorf("stop: %v", err)
		}
	}
}

func (c *vectorCase) note(at time.Time, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.cleared) {
		return
	}
	if text == attemptNote {
		c.attempts++
		return
	}
	c.trace = append(c.trace, traced{at.Sub(c.begun).Seconds(), text})
}

func (c *vectorCase) logged() string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return c.log.String() + string(b)
}

// text fills the placeholder of the phone.
func (c *vectorCase) text(s string) string { return strings.ReplaceAll(s, c.dial+"\n", phoneDial+"\n") }

func (c *vectorCase) path(folder, name string) string { return filepath.Join(c.dir, folder, name) }

func (c *vectorCase) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// deliver brings a file into the folder as the vector says.
func (c *vectorCase) deliver(f vectorFile) {
	text := []byte(f.Text)
	if c.dial != "" {
		text = []byte(c.text(f.Text))
	}
	if f.Base64 != "" {
		var err error
		text, err = base64.StdEncoding.DecodeString(f.Base64)
		c.must(err)
	}
	tmp, to := c.path("tmp", f.Name), c.path("outgoing", f.Name)
	at := c.begun.Add(time.Duration(f.Mtime) * time.Second)
	if len(c.v.Actions) > 0 && f.Mtime == 0 {
		at = time.Now().Truncate(time.Second)
	}
	switch f.How {
	case "", "rename", "link":
		c.must(os.WriteFile(tmp, text, 0o644))
		c.must(os.Chtimes(tmp, at, at))
		if f.How == "link" {
			c.must(os.Link(tmp, to))
		} else {
			c.must(os.Rename(tmp, to))
		}
	case "write":
		c.must(os.WriteFile(to, text, 0o644))
	case "write_slow":
		w, err := os.Create(to)
		c.must(err)
		_, err = w.Write(text[:len(text)/2])
		c.must(err)
		<-time.After(seconds(f.Pause))
		_, err = w.Write(text[len(text)/2:])
		c.must(errors.Join(err, w.Close()))
	case "write_twice":
		first, rest, _ := strings.Cut(string(text), "\n")
		write(c.T, to, first+"\n")
		<-time.After(seconds(f.Pause))
		write(c.T, to, rest)
	default:
		c.Fatalf("unknown delivery %q", f.How)
	}
}

func (c *vectorCase) act(a vectorAction) {
	name := c.path("outgoing", a.Name)
	switch a.Op {
	case "put":
		c.deliver(a.File)
	case "touch":
		at := c.begun.Add(time.Duration(a.Mtime) * time.Second)
		c.must(os.Chtimes(name, at, at))
	case "unlink":
		c.must(os.Remove(name))
	case "rename_in":
		c.must(os.Rename(name, c.path("outgoing", a.To)))
	case "overwrite":
		w, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
		c.must(err)
		_, err = w.WriteString(a.Text)
		c.must(errors.Join(err, w.Close()))
	case "kill":
		c.kill()
		c.spawn()
	case "start":
		c.start()
	case "clear_log":
		c.mu.Lock()
		c.trace, c.attempts, c.cleared = nil, 0, time.Now()
		c.mu.Unlock()
	default:
		c.Fatalf("unknown action %q", a.Op)
	}
}
