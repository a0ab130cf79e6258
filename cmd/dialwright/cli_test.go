package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/door/rest/client"
)

func TestAsteriskArguments(t *testing.T) {
	for _, c := range []struct {
		args string // separated by bars
		want string // likewise; "" = refused
	}{
		{"-rx|core show uptime", "rx|--asterisk-exit|--|core show uptime"},
		{"-r|-x|database show", "rx|--asterisk-exit|--|database show"},
		{"-rnx|core show uptime", "rx|--asterisk-exit|--|core show uptime"},
		{"-n|-vvvrx|help", "rx|--asterisk-exit|--|help"},
		{"-rxhelp", "rx|--asterisk-exit|--|help"},
		{"-x|help", "rx|--asterisk-exit|--|help"},
		{"-C|/etc/asterisk/asterisk.conf|-rx|help", "rx|--asterisk-exit|--|help"},
		{"-rx|", "rx|--asterisk-exit|--|"},
		{"-r", "cli"},
		{"-rvvv", "cli"},
		{"-V", "rx|--asterisk-exit|core show version"},
		{"-rx", ""},
		{"-f", ""},
		{"-c", ""},
		{"start", ""},
		{"-", ""},
	} {
		got, ok := asterisk(strings.Split(c.args, "|"))
		if strings.Join(got, "|") != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %s", c.args, got, c.want)
		}
	}
	if got, ok := asterisk(nil); ok {
		t.Errorf("without arguments: %q", got)
	}
}

func TestWordStart(t *testing.T) {
	for line, want := range map[string]int{"": 0, "core": 0, "core ": 5, "core sh": 5, `get "two w`: 4, `get a\ b`: 4, "  x": 2} {
		if got := wordStart(line); got != want {
			t.Errorf("%q: %d, want %d", line, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state", "history")
	h := loadHistory(name)
	for _, l := range []string{"one", "two", "two", "", "three"} {
		h.Add(l)
	}
	h.close()
	h = loadHistory(name)
	if h.Len() != 3 || h.At(0) != "three" || h.At(2) != "one" {
		t.Errorf("%q", h.lines)
	}
	for range maxHistory {
		h.Add("a")
		h.Add("b")
	}
	h.close()
	h = loadHistory(name)
	h.close()
	if text, err := os.ReadFile(name); err != nil || bytes.Count(text, []byte("\n")) != maxHistory || h.Len() != maxHistory {
		t.Errorf("%d lines in the file, %d in memory, %v", bytes.Count(text, []byte("\n")), h.Len(), err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// newPrompt gives a prompt at a server that knows the commands "core show channel",
// "core show channels" and "help", and says back what it is given.
func newPrompt(t *testing.T) *prompt {
	t.Helper()
	known := []string{"core show channel", "core show channels", "help"}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Command, Line string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		if r.URL.Path == "/v1/rx" {
			_ = json.NewEncoder(w).Encode(map[string]string{"output": "did " + in.Command + "\n", "outcome": map[bool]string{true: "done", false: "unknown"}[slices.Contains(known, in.Command)]})
			return
		}
		var words []string
		for _, k := range known {
			if strings.HasPrefix(k, in.Line) {
				word, _, _ := strings.Cut(k[wordStart(in.Line):], " ")
				words = append(words, word)
			}
		}
		slices.Sort(words)
		_ = json.NewEncoder(w).Encode(map[string]any{"words": slices.Compact(words), "version": "Asterisk 22"})
	}))
	t.Cleanup(srv.Close)
	cl, err := client.New(client.Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &prompt{e: &env{ctx: t.Context(), stdout: &bytes.Buffer{}, stderr: io.Discard, cli: &cli{}}, cl: cl}
}

// screen is a terminal on which somebody types.
type screen struct {
	io.Reader
	bytes.Buffer
}

func (s *screen) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func TestPrompt(t *testing.T) {
	p := newPrompt(t)
	s := &screen{Reader: strings.NewReader("co\tsh\tcha\t\ts\r" + "!ls -l\r" + "\r" + "he\t\r" + "\x1b[A\r" + "quit\rnever\r")}
	h := &history{}
	p.open(s, "pbx", h)
	var shell []string
	err := p.loop(func(command string) error {
		shell = append(shell, command)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out := s.Buffer.String()
	for _, want := range []string{"pbx*CLI> ", "channel  channels", "did core show channels", "did help"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if strings.Count(out, "did help") != 2 || strings.Contains(out, "never") {
		t.Errorf("%q", out)
	}
	if diff := cmp.Diff([]string{"ls -l"}, shell); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"core show channels", "!ls -l", "help ", "quit"}, h.lines); diff != "" {
		t.Error(diff)
	}
}

func TestPromptEndsWithTheInput(t *testing.T) {
	p := newPrompt(t)
	for _, typed := range []string{"help\r", "\x04", "core\x03", "exit\r"} {
		p.open(&screen{Reader: strings.NewReader(typed)}, "pbx", &history{})
		if err := p.loop(nil); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestPromptAtAServerThatGoes(t *testing.T) {
	p := newPrompt(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.e.ctx = ctx
	p.open(&screen{Reader: strings.NewReader("help\rhelp\r")}, "pbx", &history{})
	if err := p.loop(nil); err == nil {
		t.Error("an interrupt does not end the prompt")
	}
}
