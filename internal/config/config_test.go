package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, files ...string) (Loaded, Mistakes) {
	t.Helper()
	var fs []File
	for i, f := range files {
		fs = append(fs, File{Name: string(rune('a'+i)) + ".toml", Text: []byte(f)})
	}
	l, err := Parse(fs)
	if err == nil {
		return l, nil
	}
	ms, ok := errors.AsType[Mistakes](err)
	if !ok {
		t.Fatalf("error is a %T, not Mistakes", err)
	}
	return l, ms
}

func TestDefaultIsValid(t *testing.T) {
	l, ms := parse(t)
	if ms != nil {
		t.Fatal(ms)
	}
	if _, ok := l.Config.Accounts["default"]; !ok {
		t.Error("no account default")
	}
}

// A file of one line per mistake: all are reported, in order, each with its line.
func TestAllMistakesAtOnce(t *testing.T) {
	_, ms := parse(t, `[server]
log_level = "infos"
drain = true
data_dri = "/x"

[http]
listen = 8088
metrics = "nobody"

[phones.101]
password = "short"
codecs = ["g729"]

[phones.102]

[trunks.out]
register = true
match = ["198.51.100.7"]
expires = "ten minutes"

[[routes]]
trunk = "outt"
match = "_["

[[routes]]
strip = -1

[keys.crm]
scopes = ["call:read"]
account = "nobody"
`)
	want := []string{
		`a.toml:2: server.log_level: "infos" is not one of debug, info, warn, error; did you mean info?`,
		`a.toml:3: server.drain: expects a duration such as "30s", "5m" or "7d"`,
		`a.toml:4: server.data_dri: is not a known key; did you mean data_dir?`,
		`a.toml:7: http.listen: expects text in quotes`,
		`a.toml:8: http.metrics: "nobody" is not one of loopback, key, open`,
		`a.toml:11: phones.101.password: is shorter than 8 characters; phones are guessed at day and night`,
		`a.toml:12: phones.101.codecs[0]: "g729" is not one of opus, g722, pcmu, pcma, ulaw, alaw; did you mean g722?`,
		`a.toml:14: phones.102.password: is missing; without one anybody could call in this phone's name`,
		`a.toml:16: trunks.out.host: is missing; name the provider's SIP server`,
		`a.toml:17: trunks.out.register: needs user and password of the account at the provider`,
		`a.toml:18: trunks.out.match[0]: "198.51.100.7" is not a network; write it as "198.51.100.0/24", a single address as "198.51.100.7/32"`,
		`a.toml:19: trunks.out.expires: expects a duration such as "30s", "5m" or "7d"`,
		`a.toml:22: routes[0].trunk: there is no trunk "outt"; known are out`,
		`a.toml:23: routes[0].match: *`,
		`a.toml:25: routes[1].trunk: is missing; name the trunk by which these numbers leave`,
		`a.toml:26: routes[1].strip: -1 must be a number from 0 to 1000000000`,
		`a.toml:28: keys.crm.hash: is not an argon2id hash; ` + "`dialwright config key NAME` makes a key and prints its hash",
		`a.toml:29: keys.crm.scopes[0]: "call:read" is not one of calls:read, calls:write, events:read, endpoints:read, metrics:read, admin; did you mean calls:read?`,
		`a.toml:30: keys.crm.account: there is no account "nobody"; known are default`,
	}
	var got []string
	for i, m := range ms {
		s := m.String()
		if i < len(want) && strings.HasSuffix(want[i], "*") && strings.HasPrefix(s, strings.TrimSuffix(want[i], "*")) {
			s = want[i]
		}
		got = append(got, s)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mistakes (-want +got):\n%s", d)
	}
}

// Each mistake is reported once, and two about one value are two.
func TestEveryMistakeOnce(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"set twice, the last one short": {"[phones.101]\npassword = \"long enough\"", "[phones.101]\npassword = \"x\"", "b.toml:2: phones.101.password: is already set in a.toml:2; remove one of them\n" +
			"b.toml:2: phones.101.password: is shorter than 8 characters; phones are guessed at day and night"},
		"short and guessed": {"[phones.101]\npassword = \"101101\"", "", "a.toml:2: phones.101.password: is among the first that are guessed; choose a random one\n" +
			"a.toml:2: phones.101.password: is shorter than 8 characters; phones are guessed at day and night"},
		"unknown in both files": {"[sip]\nqwxz = 1", "[sip]\nqwxz = 1", "a.toml:2: sip.qwxz: is not a known key*\nb.toml:2: sip.qwxz: is not a known key*"},
	} {
		_, ms := parse(t, c.a, c.b)
		want := strings.Split(c.want, "\n")
		ok := len(ms) == len(want)
		for i := 0; ok && i < len(ms); i++ {
			prefix, any := strings.CutSuffix(want[i], "*")
			ok = ms[i].String() == want[i] || any && strings.HasPrefix(ms[i].String(), prefix)
		}
		if !ok {
			t.Errorf("%s:\n%v\nwant\n%s", name, ms, c.want)
		}
	}
}

func TestCallerIDsThatCannotBeRead(t *testing.T) {
	for text, good := range map[string]bool{
		`"Sales" <+4930123456>`: true, `Sales <100>`: true, `+4930123456`: true, `100`: true, `Sales`: true, `"3 Oaks"`: true, `"a \"b\" <c>" <1>`: false,
		`Sales <+49`: false, `Sales +49>`: false, `"Sales <+49>`: false, `Sales <>`: false, `Sales <abc>`: false, `+49x30`: false, `3 Oaks`: false, `<1> Sales`: false,
	} {
		_, ms := parse(t, "[accounts.a]\ncaller_id = '"+text+"'\n[accounts.default]\n")
		if got := ms == nil; got != good {
			t.Errorf("%s: good %v, want %v: %v", text, got, good, ms)
		}
	}
}

func TestBrokenGrammar(t *testing.T) {
	_, ms := parse(t, "[server]\nlog_level = \n", "[phones.101]\npassword = 1\n")
	if len(ms) < 2 || ms[0].File != "a.toml" || ms[0].Line != 2 || ms[1].Key != "phones.101.password" {
		t.Errorf("mistakes:\n%v", ms)
	}
}

// Files are joined: tables key by key, routes one after the other; a key set
// twice is a mistake of the later file.
func TestFilesAreJoined(t *testing.T) {
	l, ms := parse(t,
		"[phones.101]\npassword = \"secret-101\"\n[trunks.a]\nhost = \"a.example\"\n[[routes]]\nmatch = \"1\"\ntrunk = \"a\"\n",
		"[phones.102]\npassword = \"secret-102\"\n[phones.101]\ndisplay_name = \"Alice\"\n[[routes]]\nmatch = \"2\"\ntrunk = \"a\"\n",
	)
	if ms != nil {
		t.Fatal(ms)
	}
	c := l.Config
	if c.Phones["101"].Password != "secret-101" || c.Phones["101"].DisplayName != "Alice" || c.Phones["102"].Password != "secret-102" {
		t.Errorf("phones: %+v", c.Phones)
	}
	if len(c.Routes) != 2 || c.Routes[0].Match != "1" || c.Routes[1].Match != "2" {
		t.Errorf("routes: %+v", c.Routes)
	}
	_, ms = parse(t, "[http]\nlisten = \"127.0.0.1:1\"\n", "\n[http]\nlisten = \"127.0.0.1:2\"\n[[routes]]\ntrunk = \"x\"\n")
	want := Mistakes{
		{File: "b.toml", Line: 3, Key: "http.listen", Text: "is already set in a.toml:2; remove one of them"},
		{File: "b.toml", Line: 5, Key: "routes[0].trunk", Text: `there is no trunk "x"; there is none at all`},
	}
	if d := cmp.Diff(want, ms); d != "" {
		t.Errorf("mistakes (-want +got):\n%s", d)
	}
}

func TestLoadReadsConfD(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	main := filepath.Join(dir, "dialwright.toml")
	if _, err := Load(main); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing file: %v", err)
	}
	write("dialwright.toml", "[server]\nnode = \"n1\"\n")
	write("conf.d/20.toml", "[phones.102]\npassword = \"long-enough\"\n")
	write("conf.d/10.toml", "[phones.101]\npassword = \"long-enough\"\n")
	write("conf.d/ignored.txt", "not toml")
	l, err := Load(main)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Config.Phones) != 2 || l.Config.Server.Node != "n1" || len(l.Files) != 3 || filepath.Base(l.Files[1]) != "10.toml" {
		t.Errorf("loaded %+v", l)
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "45": 45 * time.Second, "1.5": 1500 * time.Millisecond,
		"1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "-1s": -time.Second,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err != nil || d.Duration != want {
			t.Errorf("%q = %v, %v; want %v", in, d, err, want)
		}
		var back Duration
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Errorf("%q written as %q reads back as %v, %v", in, d, back, err)
		}
	}
	for _, in := range []string{"", "x", "1e300", "NaN", "-1d", "99999d", "1 day"} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is taken as %v", in, d)
		}
	}
	l, ms := parse(t, "[originate]\nwait_time = 20\n")
	if ms != nil || l.Config.Originate.WaitTime.Duration != 20*time.Second {
		t.Errorf("wait_time = 20: %v, %v", l.Config.Originate.WaitTime, ms)
	}
}

// Every key has a comment that says how a change takes effect.
func TestEveryKeyIsDocumented(t *testing.T) {
	docs := fieldComments()
	for f := range reflect.TypeFor[Config]().Fields() {
		if docs["Config."+f.Name] == "" {
			t.Errorf("%s has no comment", f.Name)
		}
		ft := f.Type
		if ft.Kind() == reflect.Map || ft.Kind() == reflect.Slice {
			ft = ft.Elem()
		}
		for kf := range ft.Fields() {
			doc := docs[ft.Name()+"."+kf.Name]
			if !strings.HasSuffix(doc, " Reload: live.") && !strings.HasSuffix(doc, " Reload: restart.") {
				t.Errorf("%s.%s: comment %q does not say how a change takes effect", ft.Name(), kf.Name, doc)
			}
		}
	}
}

// The committed files are what go generate makes.
func TestGeneratedFilesAreUnchanged(t *testing.T) {
	for name, want := range map[string]string{
		"../../docs/configuration.md":   Reference(),
		"../../dialwright.example.toml": Example(),
	} {
		got, err := os.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v); run go generate ./internal/config", name, err)
		}
	}
}

// The example with all comments removed from its keys is a valid file.
func TestExampleIsValid(t *testing.T) {
	var b strings.Builder
	for line := range strings.Lines(Example()) {
		s := strings.TrimPrefix(line, "# ")
		key, _, setting := strings.Cut(s, " = ")
		if strings.HasPrefix(s, "[") || setting && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") == "" {
			b.WriteString(s)
		}
	}
	_, ms := parse(t, b.String())
	for _, m := range ms {
		if strings.Contains(m.Text, "is missing") || strings.Contains(m.Text, "is empty") || strings.Contains(m.Text, "argon2id") {
			continue // what has no default must be filled in
		}
		t.Error(m)
	}
}

func TestWatcherTellsOfNewContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dialwright.toml")
	if err := os.WriteFile(path, []byte("[server]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 8)
	w := NewWatcher(path, 0, func() { changed <- struct{}{} }, slog.New(slog.DiscardHandler))
	w.Stop() // before Start: nothing to do
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Writing until it is noticed covers the moment before the watch is set up.
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		text := "[server]\nnode = \"n" + strings.Repeat("x", n) + "\"\n"
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			w.Stop()
			w.Stop()
			return
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("a new file was not noticed")
		}
	}
}

// Without a configuration file the further files are looked at by themselves, and
// a change right after Start is noticed.
func TestWatcherOfFurtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "extensions.conf")
	changed := make(chan struct{}, 8)
	w := NewWatcher("", 10*time.Millisecond, func() { changed <- struct{}{} }, slog.New(slog.DiscardHandler))
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Also(func() []string { return []string{path} })
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if err := os.WriteFile(path, []byte("[default]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("a new text was not noticed")
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(Example()))
	f.Add([]byte("[phones.101]\npassword = \"secret-101\"\n[[routes]]\nmatch = \"_0[1-9]X.\"\ntrunk = \"a\"\n"))
	f.Add([]byte("[server]\ndrain = 1e9\nlisten = [1, \"x\"]\n[server.drain]\nx = {a = 1}\n"))
	f.Add([]byte("a.b = \"\"\"\nx\n\"\"\"\n[[routes]]\n[routes.x]\ny = 1"))
	f.Add([]byte("[[phones]]\n[limits]\ncps = nan\nchannels = 99999999999999999999"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse([]File{{Name: "f.toml", Text: text}})
		if err == nil {
			if len(l.Config.Accounts) == 0 {
				t.Error("a usable configuration has an account")
			}
			return
		}
		ms, ok := errors.AsType[Mistakes](err)
		if !ok || len(ms) == 0 {
			t.Fatalf("error %T %v is not a list of mistakes", err, err)
		}
		for _, m := range ms {
			if m.Text == "" || m.File == "f.toml" && m.Line > 1+strings.Count(string(text), "\n") {
				t.Errorf("mistake %+v", m)
			}
		}
	})
}
