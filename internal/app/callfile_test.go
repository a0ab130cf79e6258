package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// keptLog keeps a server's log.
type keptLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *keptLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *keptLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var (
	logTimes = regexp.MustCompile(`^time=\S+ `)
	bookkept = regexp.MustCompile(`(StartRetry|EndRetry): \d+ (\d+) \(\d+\)`)
)

// What becomes of one call file, to the letter: what the server logs about it, what
// stands in the archived file, what REST says of its call.
func TestGoldenTraceOfACallFile(t *testing.T) {
	dir, log, key := t.TempDir(), new(keptLog), auth.NewKey("crm")
	spool := filepath.Join(dir, "outgoing")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plan := write("extensions.conf", "[alert]\nexten => s,1,Answer()\nexten => failed,1,Set(CDR(userfield)=${TICKET})\n same => n,Log(NOTICE,attempt ${AST_OUTGOING_ATTEMPT}: ${REASON} ${DIALSTATUS})\n")
	a, err := New(Options{Log: io.MultiWriter(t.Output(), log), Adjust: func(c *config.Config) {
		onLoopback(t.TempDir())(c)
		c.Server.Node, c.Dialplan.File, c.Callfile.Dir = "node1", plan, spool
		c.Keys = map[string]config.Key{"crm": {Hash: auth.Hash(key), Scopes: []string{"calls:read", "events:read"}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	file := "Channel: Pretend/1486\nCallerID: \"Alert\" <911>\nContext: alert\nExtension: s\nMaxRetries: 1\nRetryTime: 1\nSet: TICKET=4711\nAccount: ward\nArchive: yes\n"
	if err := os.Rename(write("alert.call", file), filepath.Join(spool, "alert.call")); err != nil {
		t.Fatal(err)
	}
	tr := &trace{T: t, url: r.HTTP, key: key}
	tr.out.WriteString("== the file\n" + file + "\n")
	archived := filepath.Join(dir, "outgoing_done", "alert.call")
	var done []byte
	until(t, func() bool {
		done, err = os.ReadFile(archived)
		return err == nil && bytes.HasSuffix(done, []byte("Status: Expired\n")) && strings.Contains(log.String(), "expired without completion")
	})
	fmt.Fprintf(&tr.out, "== the archived file\n%s\n", bookkept.ReplaceAllString(string(done), "$1: PID $2 (TIME)"))
	// Door and dialplan log each in order, but not one after the other: the door
	// hears of an attempt by its event.
	for _, of := range []string{"file=alert.call", "dialplan says"} {
		fmt.Fprintf(&tr.out, "== the log: %s\n", of)
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, of) {
				tr.out.WriteString(normal(logTimes.ReplaceAllString(line, "")))
			}
		}
	}
	tr.out.WriteString("\n== REST\n")
	tr.id = callOf(t, tr, "alert.call")
	tr.ask("GET", "/v1/calls?reference=alert.call", "")
	tr.ask("GET", "/v1/calls/"+tr.id+"/attempts", "")
	tr.golden("callfile.golden")
}

// callOf gives the call of a file.
func callOf(t *testing.T, tr *trace, reference string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", tr.url+"/v1/calls?reference="+reference, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tr.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct {
		Calls []struct {
			ID string `json:"id"`
		} `json:"calls"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || len(page.Calls) != 1 {
		t.Fatalf("%d calls for %s, %v", len(page.Calls), reference, err)
	}
	return page.Calls[0].ID
}

// until polls, because what is waited for happens in a folder.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}

// golden compares what was written down with a file of testdata.
func (tr *trace) golden(file string) {
	tr.Helper()
	golden(tr.T, file, tr.out.String())
}

// golden compares what was written down with a file of testdata.
func golden(tr *testing.T, file, got string) {
	tr.Helper()
	name := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			tr.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		tr.Fatalf("%v; go test -update writes it", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		tr.Errorf("%s (-want +got):\n%s", name, d)
	}
}
