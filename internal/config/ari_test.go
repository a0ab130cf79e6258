package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestARI(t *testing.T) {
	l, ms := parse(t, `[ari]
prefix = "/asterisk"
channel_vars = ["A", "B"]
allowed_origins = ["*", "https://crm.example.com:8443"]
write_timeout = "100ms"

[ari.users.crm]
password = "long enough"
permit = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
account = "default"

[ari.users.watch]
password = "$6$salt$hash"
password_format = "crypt"
read_only = true
`, `[ari.outbound.crm]
uri = "wss://crm.example.com/ari"
apps = ["a", "b"]
local_user = "crm"
attempts = 3
`)
	if ms != nil || len(l.Warnings) > 0 {
		t.Fatalf("%v %v", ms, l.Warnings)
	}
	want := ARI{
		Enabled: true, Prefix: "/asterisk", ChannelVars: []string{"A", "B"}, AllowedOrigins: []string{"*", "https://crm.example.com:8443"},
		WriteTimeout: Duration{100 * time.Millisecond}, Journal: 16384, Grace: Seconds(120),
		Users: map[string]ARIUser{
			"crm":   {Password: "long enough", Permit: []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"}, Account: "default"},
			"watch": {Password: "$6$salt$hash", PasswordFormat: "crypt", ReadOnly: true},
		},
		Outbound: map[string]ARIOutbound{"crm": {URI: "wss://crm.example.com/ari", Apps: []string{"a", "b"}, LocalUser: "crm", Attempts: 3}},
	}
	if diff := cmp.Diff(want, l.Config.ARI); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestARIMistakes: each line is wrong in one way, and is named.
func TestARIMistakes(t *testing.T) {
	_, ms := parse(t, `[ari]
prefix = "asterisk/"
realm = "a \" b"
allowed_origins = ["crm.example.com"]
channel_vars = ["A,B"]
write_timeout = "1ms"
journal = 3

[ari.users.none]
read_only = true

[ari.users."a:b"]
password = "plain"
password_format = "crypt"
permit = ["10.0.0.0/33"]
deny = ["all"]
account = "nobody"

[ari.users.phc]
password = "secret"
password_format = "argon2id"
pasword = "x"

[ari.outbound.one]
uri = "https://user:secret@crm.example.com"
apps = ["a", "b c"]
per_call = true
local_user = "nobody"
cert_file = "x"

[ari.outbound.two]
apps = ["a"]
attempts = -1
`)
	var got []string
	for _, m := range ms {
		if strings.Contains(m.String(), "secret") {
			t.Errorf("a secret is shown: %s", m)
		}
		got = append(got, strings.Join(strings.Fields(m.String())[:2], " ")) // place and key
	}
	want := []string{
		"a.toml:2: ari.prefix:", "a.toml:3: ari.realm:", "a.toml:4: ari.allowed_origins[0]:", "a.toml:5: ari.channel_vars[0]:",
		"a.toml:6: ari.write_timeout:", "a.toml:7: ari.journal:", "a.toml:9: ari.users.none.password:",
		"a.toml:12: ari.users.a:b:", "a.toml:13: ari.users.a:b.password:", "a.toml:15: ari.users.a:b.permit[0]:",
		"a.toml:16: ari.users.a:b.deny[0]:", "a.toml:17: ari.users.a:b.account:",
		"a.toml:20: ari.users.phc.password:", "a.toml:22: ari.users.phc.pasword:",
		"a.toml:24: ari.outbound.one.key_file:", "a.toml:25: ari.outbound.one.uri:", "a.toml:26: ari.outbound.one.apps:", "a.toml:26: ari.outbound.one.apps[0]:",
		"a.toml:26: ari.outbound.one.apps[1]:", "a.toml:28: ari.outbound.one.local_user:", "a.toml:29: ari.outbound.one.cert_file:",
		"a.toml:31: ari.outbound.two.local_user:", "a.toml:31: ari.outbound.two.uri:", "a.toml:32: ari.outbound.two.apps[0]:",
		"a.toml:33: ari.outbound.two.attempts:",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%v", diff, ms)
	}
}

func TestARIWarnings(t *testing.T) {
	l, ms := parse(t, `[ari.users.crm]
password = "crm"
[ari.users.asterisk]
password = "asterisk"
[ari.outbound.out]
uri = "ws://crm.example.com/"
password = "sent in clear"
insecure = true
apps = ["a"]
local_user = "crm"
`)
	if ms != nil {
		t.Fatal(ms)
	}
	var got []int
	for _, w := range l.Warnings {
		got = append(got, w.Line)
	}
	if diff := cmp.Diff([]int{2, 4, 6, 8}, got); diff != "" {
		t.Errorf("lines (-want +got)\n%s\n%v", diff, l.Warnings)
	}
}

// TestARIReloads: users come and go while the server runs, the size of journals does not.
func TestARIReloads(t *testing.T) {
	before, after := Default(), Default()
	after.ARI.Users = map[string]ARIUser{"crm": {Password: "x"}}
	after.ARI.Outbound = map[string]ARIOutbound{"crm": {}}
	after.ARI.Pretty = true
	after.ARI.Journal = 32
	if diff := cmp.Diff([]string{"ari.journal"}, NeedRestart(&before, &after)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.5": "10.0.0.5/32", "10.0.0.5/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128", "": "", "x": "", "10.0.0.0/33": "", "10.0.0.0/255.0.0.0": "",
	} {
		p, err := ParseNetwork(text)
		if err != nil && want != "" || err == nil && p.String() != want {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}
