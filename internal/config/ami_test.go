package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keysOfMistakes gives place and key of each.
func keysOfMistakes(t *testing.T, ms Mistakes, secret string) []string {
	t.Helper()
	var got []string
	for _, m := range ms {
		if strings.Contains(m.String(), secret) {
			t.Errorf("a secret is shown: %s", m)
		}
		got = append(got, strings.Join(strings.Fields(m.String())[:2], " "))
	}
	return got
}

func TestAMI(t *testing.T) {
	l, ms := parse(t, `[ami]
listen = ""
web = true
strict = false
event_queue = 100
[ami.users.crm]
secret = "long enough"
read = ["call", "all"]
write = ["originate"]
`, `[ami.users.crm2]
secret = "$6$salt$hash"
secret_format = "crypt"
filters = ["!Event: (Newexten|VarSet)", "eventfilter(name(Hangup)) ="]
variables = ["A=1,2"]
`)
	if ms != nil {
		t.Fatal(ms)
	}
	want := Default().AMI
	want.Listen, want.Web, want.Strict, want.EventQueue = "", true, false, 100
	want.Users = map[string]AMIUser{
		"crm": {Secret: "long enough", Read: []string{"call", "all"}, Write: []string{"originate"}},
		"crm2": {
			Secret: "$6$salt$hash", SecretFormat: "crypt", Variables: []string{"A=1,2"},
			Filters: []string{"!Event: (Newexten|VarSet)", "eventfilter(name(Hangup)) ="},
		},
	}
	if diff := cmp.Diff(want, l.Config.AMI); diff != "" || len(l.Warnings) > 0 {
		t.Errorf("(-want +got)\n%s\n%v", diff, l.Warnings)
	}
}

// TestAMIMistakes: each line is wrong in one way, and is named.
func TestAMIMistakes(t *testing.T) {
	_, ms := parse(t, `[ami]
listen = "0.0.0.0:5038"
tls_listen = "5039"
prefix = "asterisk/"
auth_timeout = "1ms"
http_timeout = "0s"
auth_limit = 0
max_connections = -1
channel_vars = ["A,B"]
disabled_events = ["New exten"]
applications = ["Playback", "AGI", "a b"]
event_queue = 3
event_queue_size = 1

[ami.users.none]
read = ["call"]

[ami.users.Weak]
secret = "amp111"

[ami.users.weak]
secret = "hunter2-secret"
secret_format = "md5"
permit = ["10.0.0.0/33"]
deny = ["all"]
read = ["calls", "Call"]
write = [""]
variables = ["=x", "A"]
filters = ["", "(", "eventfilter(nome(X)) ="]
write_timeout = "-1s"
account = "nobody"
per_second = -1
at_once = -1
max_connections = -1

[ami.users."a:b"]
secret = "hunter2-secret"
secret_format = "crypt"

[ami.users.phc]
secret = "hunter2-secret"
secret_format = "argon2id"
sekret = "x"
`)
	want := []string{
		"a.toml:3: ami.tls_listen:", "a.toml:3: ami.tls_listen:", "a.toml:4: ami.prefix:", "a.toml:5: ami.auth_timeout:",
		"a.toml:6: ami.http_timeout:", "a.toml:7: ami.auth_limit:", "a.toml:8: ami.max_connections:", "a.toml:9: ami.channel_vars[0]:",
		"a.toml:10: ami.disabled_events[0]:", "a.toml:11: ami.applications[1]:", "a.toml:11: ami.applications[2]:", "a.toml:12: ami.event_queue:",
		"a.toml:13: ami.event_queue_size:", "a.toml:15: ami.users.none.secret:", "a.toml:19: ami.users.Weak.secret:", "a.toml:21: ami.users.weak:",
		"a.toml:23: ami.users.weak.secret_format:", "a.toml:24: ami.users.weak.permit[0]:", "a.toml:25: ami.users.weak.deny[0]:",
		"a.toml:26: ami.users.weak.read[0]:", "a.toml:26: ami.users.weak.read[1]:", "a.toml:27: ami.users.weak.write[0]:",
		"a.toml:28: ami.users.weak.variables[0]:", "a.toml:28: ami.users.weak.variables[1]:", "a.toml:29: ami.users.weak.filters[0]:",
		"a.toml:29: ami.users.weak.filters[1]:", "a.toml:29: ami.users.weak.filters[2]:", "a.toml:30: ami.users.weak.write_timeout:",
		"a.toml:31: ami.users.weak.account:", "a.toml:32: ami.users.weak.per_second:", "a.toml:33: ami.users.weak.at_once:",
		"a.toml:34: ami.users.weak.max_connections:", "a.toml:36: ami.users.a:b:", "a.toml:37: ami.users.a:b.secret:", "a.toml:41: ami.users.phc.secret:",
		"a.toml:43: ami.users.phc.sekret:",
	}
	got := keysOfMistakes(t, ms, "hunter2")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%v", diff, ms)
	}
}

// What is guessed first is refused where others can come, by whatever listener, and a
// warning on loopback (spec: ami 10.1).
func TestAMIWellKnownSecrets(t *testing.T) {
	cert := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tls := "tls_listen = \":5039\"\ntls_cert = \"" + cert + "\"\ntls_key = \"" + cert + "\"\n"
	web := "[http]\nlisten = \"0.0.0.0:8088\"\n"
	for _, c := range []struct {
		name, ami, more, user, secret string
		refused                       bool
		warnings                      int
	}{
		{"strong", "listen = \"0.0.0.0:5038\"\n", "", "crm", "cMz5xW9-mLp", false, 1}, // no encryption
		{"AstLinux, loopback", "", "", "webinterface", "webinterface", false, 1},
		{"AstLinux", "listen = \"0.0.0.0:5038\"\n", "", "webinterface", "webinterface", true, 0},
		{"AstLinux, all addresses", "listen = \":5038\"\n", "", "webinterface", "webinterface", true, 0},
		{"FreePBX by TLS", tls, "", "admin", "amp111", true, 0},
		{"the user's name", "listen = \"192.0.2.1:5038\"\n", "", "Bob", "bob", true, 0},
		{"password by HTTP", "web = true\n", web, "crm", "password", true, 0},
		{"HTTP without AMI", "", web, "crm", "password", false, 2}, // no encryption of HTTP
		{"switched off", "enabled = false\nlisten = \":5038\"\n", "", "crm", "secret", false, 1},
		{"localhost", "listen = \"localhost:5038\"\n", "", "crm", "secret", false, 1},
		{"IPv6 loopback", "listen = \"[::1]:5038\"\n", "", "crm", "Secret", false, 1},
		{"short", "", "", "crm", "x7q", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, ms := parse(t, "[ami]\n"+c.ami+"[ami.users."+c.user+"]\nsecret = \""+c.secret+"\"\n"+c.more)
			if refused := len(ms) > 0; refused != c.refused || !refused && len(l.Warnings) != c.warnings {
				t.Errorf("mistakes %v, warnings %v", ms, l.Warnings)
			}
			if len(ms) > 1 || len(ms) == 1 && ms[0].Key != "ami.users."+c.user+".secret" {
				t.Errorf("mistakes %v", ms)
			}
		})
	}
}

// Users come and go while the server runs, its listeners do not.
func TestAMIReloads(t *testing.T) {
	before, after := Default(), Default()
	after.AMI.Users = map[string]AMIUser{"crm": {Secret: "x"}}
	after.AMI.TimestampEvents, after.AMI.AuthTimeout = true, Duration{time.Second}
	after.AMI.Listen, after.AMI.EventQueue = ":1", 20
	after.Dialproxy.Labels = map[string]DialproxyLabel{"a": {}}
	after.Dialproxy.Enabled, after.Dialproxy.Open, after.Dialproxy.Paths = true, true, []string{"/click"}
	after.CLI = CLI{Socket: "/x", Extensions: true}
	want := []string{"ami.listen", "ami.event_queue", "dialproxy.enabled", "cli.socket"}
	if diff := cmp.Diff(want, NeedRestart(&before, &after)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDialproxy(t *testing.T) {
	l, ms := parse(t, `[dialproxy]
enabled = true
prefixes = " 011~1~1~9 "
open = true
per_minute = -1
[dialproxy.labels.desk_1]
token = "short"
prefixes = "none"
[http]
listen = "0.0.0.0:8088"
`)
	if ms != nil {
		t.Fatal(ms)
	}
	want := Default().Dialproxy
	want.Enabled, want.Prefixes, want.Open, want.PerMinute = true, " 011~1~1~9 ", true, -1
	want.Labels = map[string]DialproxyLabel{"desk_1": {Token: "short", Prefixes: "none"}}
	if diff := cmp.Diff(want, l.Config.Dialproxy); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var keys []string
	for _, w := range l.Warnings {
		keys = append(keys, w.Key)
	}
	slices.Sort(keys)
	if diff := cmp.Diff([]string{"dialproxy.labels.desk_1.token", "dialproxy.open", "http.listen"}, keys); diff != "" {
		t.Errorf("warnings (-want +got)\n%s", diff)
	}
}

func TestDialproxyMistakes(t *testing.T) {
	_, ms := parse(t, `[dialproxy]
enabled = true
paths = ["dialproxy.php", "/v1/calls", "/ari/x", "/dialproxy/tel"]
prefixes = "00,0,49"
pause = "2m"
max_digits = 0
waiting = 0
allowed_origins = ["crm.example.com", "*"]
trusted_proxies = ["proxy"]
account = "nobody"
[dialproxy.labels."a b"]
prefixes = "x"
account = "nobody"
per_minute = -1
at_once = -1
token = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ"
[cli]
socket = "asterisk.ctl"
`, `[dialproxy]
post_only = 1
`)
	want := []string{
		"a.toml:3: dialproxy.paths[0]:", "a.toml:3: dialproxy.paths[1]:", "a.toml:3: dialproxy.paths[2]:", "a.toml:3: dialproxy.paths[3]:", "a.toml:4: dialproxy.prefixes:", "a.toml:5: dialproxy.pause:",
		"a.toml:6: dialproxy.max_digits:", "a.toml:7: dialproxy.waiting:", "a.toml:8: dialproxy.allowed_origins[0]:", "a.toml:8: dialproxy.allowed_origins[1]:",
		"a.toml:9: dialproxy.trusted_proxies[0]:", "a.toml:10: dialproxy.account:", "a.toml:11: dialproxy.labels.a b:", "a.toml:12: dialproxy.labels.a b.prefixes:",
		"a.toml:13: dialproxy.labels.a b.account:", "a.toml:14: dialproxy.labels.a b.per_minute:", "a.toml:15: dialproxy.labels.a b.at_once:", "a.toml:16: dialproxy.labels.a b.token:",
		"a.toml:18: cli.socket:", "b.toml:2: dialproxy.post_only:",
	}
	var got []string
	for _, m := range ms {
		got = append(got, strings.SplitAfterN(m.String(), ": ", 3)[0]+m.Key+":")
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%v", diff, ms)
	}
	if strings.Contains(ms.Error(), "for all") { // a "*" is a mistake, and not to be advised
		t.Error(ms)
	}
}

func TestCLISocket(t *testing.T) {
	dir := t.TempDir()
	for socket, want := range map[string]string{
		filepath.Join(dir, "asterisk.ctl"):              "",
		filepath.Join(dir, "none", "asterisk.ctl"):      "is not a directory",
		filepath.Join(dir, strings.Repeat("long/", 30)): "at most 103",
		"asterisk.ctl": "whole path",
	} {
		_, ms := parse(t, "[cli]\nsocket = \""+socket+"\"\n")
		if want == "" && ms != nil || want != "" && (len(ms) != 1 || !strings.Contains(ms[0].Text, want)) {
			t.Errorf("%s: %v", socket, ms)
		}
	}
}
