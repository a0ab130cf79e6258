package app

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/dialproxy"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// parsed gives a configuration from its text.
func parsed(t *testing.T, text string) *config.Config {
	t.Helper()
	l, err := config.Parse([]config.File{{Name: "dialwright.toml", Text: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return &l.Config
}

func TestAMIConfig(t *testing.T) {
	got, err := amiConfig(parsed(t, `[ami]
prefix = "/asterisk"
web = true
channel_vars = ["CUSTOMER"]
strict = false
max_connections = 7
[ami.users.watch]
secret = "long enough"
[ami.users.crm]
secret = "also long enough"
permit = ["10.0.0.0/8"]
deny = ["0.0.0.0/0"]
read = ["call", "reporting"]
write = ["all"]
variables = ["A=b=c", "__B="]
filters = ["!Event: Newexten", "eventfilter(name(Hangup),header(Channel),method(starts_with)) = PJSIP/"]
single_login = true
hide_connects = true
write_timeout = "5s"
account = "default"
per_second = 1.5
at_once = 3
max_connections = 2
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &ami.Config{
		Listen: "127.0.0.1:5038", Web: true, WebPrefix: "/asterisk", AuthTimeout: 30 * time.Second, AuthLimit: 50, MaxConnections: 7, HTTPTimeout: time.Minute,
		ChannelVars: []string{"CUSTOMER"}, Lenient: true, EventQueue: 10000, EventQueueSize: 8 << 20,
		Users: []ami.User{
			{
				Name: "crm", Secret: "also long enough", Permit: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")},
				Read: wire.Call | wire.Reporting, Write: wire.All, SetVar: []call.Variable{{Name: "A", Value: "b=c"}, {Name: "__B"}},
				Filters: []wire.Filter{
					{Exclude: true, Method: wire.Regex, Pattern: "Event: Newexten"},
					{Name: "Hangup", Header: "Channel", Method: wire.StartsWith, Pattern: "PJSIP/"},
				},
				SingleLogin: true, HideConnects: true, WriteTimeout: 5 * time.Second, Account: "default", PerSecond: 1.5, AtOnce: 3, MaxConnection: 2,
			},
			{Name: "watch", Secret: "long enough"},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(wire.Filter{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if newexten := []byte("Event: Newexten\r\nChannel: PJSIP/1\r\n\r\n"); wire.Pass("Newexten", newexten, got.Users[0].Filters) {
		t.Error("the filter of the configuration lets Newexten through")
	}
}

// What a check of the configuration would have found is an error with its key.
func TestAMIConfigRefuses(t *testing.T) {
	for key, u := range map[string]config.AMIUser{
		"ami.users.x.permit: ":  {Permit: []string{"all"}},
		"ami.users.x.deny: ":    {Deny: []string{"10.0.0.0/99"}},
		"ami.users.x.read: ":    {Read: []string{"calls"}},
		"ami.users.x.write: ":   {Write: []string{"Call"}},
		"ami.users.x.filters: ": {Filters: []string{""}},
	} {
		c := config.Default()
		c.AMI.Users = map[string]config.AMIUser{"x": u}
		if _, err := amiConfig(&c); err == nil || len(err.Error()) < len(key) || err.Error()[:len(key)] != key {
			t.Errorf("%v, want an error of %s", err, key)
		}
	}
}

func TestDialproxyConfig(t *testing.T) {
	c := parsed(t, `[accounts.door]
[accounts.default]
[dialproxy]
enabled = true
prefixes = "00~0~49~"
strict_status = true
trusted_proxies = ["127.0.0.1"]
per_minute = -1
[dialproxy.labels.desk]
token = "choose-one-1"
prefixes = "none"
at_once = 1
[dialproxy.labels.other]
prefixes = "011~1~1~9"
account = "door"
post_only = true
per_minute = 6
[dialproxy.labels.plain]
`)
	got := dialproxyConfig(&c.Dialproxy, "office")
	want := &dialproxy.Config{
		Paths: []string{"/dialproxy.php"}, Prefixes: "00~0~49~", Pause: 4 * time.Second, Debug: true, Strict: true, MaxDigits: 32,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PerMinute: -1, Waiting: 4, Account: "office",
		Labels: map[string]dialproxy.Label{
			"desk":  {Token: "choose-one-1", Prefixes: new(""), AtOnce: 1},
			"other": {Prefixes: new("011~1~1~9"), Account: "door", POSTOnly: true, PerMinute: 6},
			"plain": {},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
