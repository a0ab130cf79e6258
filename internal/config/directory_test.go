package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/seal"
)

func TestPeople(t *testing.T) {
	hash, sealed := auth.CheapHash("password"), seal.New([seal.KeySize]byte{1}).Seal("link")
	l, ms := parse(t, fmt.Sprintf(`[phones.123]
password = "secret-123"
account = "ofphone"
[phones.9]
password = "secret-9"
[accounts.default]
[accounts.ofphone]
[accounts.oftenant]
[accounts.own]
[tenants."Tenant.com"]
account = "oftenant"
hosts = ["PBX.example.com"]
[users."123@TENANT.com"]
password = %q
digest = "69AD6BFCBF70AC68DC964564F1E5425A"
link_secret = %q
first_name = "Ada"
external_first = "no"
prefix_rules = [{min = 11, max = 11, prepend = "9"}]
[users.123]
[users.9]
phone = "none"
account = "own"
[users."crm@tenant.com"]
role = "minter"
mints = ["*@TENANT.com", "123@Tenant.com"]
[users.admin]
role = "admin"
methods = ["switchvox.call"]
phone = "9"
`, hash, sealed))
	if ms != nil {
		t.Fatal(ms)
	}
	// Both 123 and 123@tenant.com mean phone 123.
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].String(), "phone 123 rings for both") {
		t.Errorf("warnings: %v", l.Warnings)
	}
	users, tenants, hosts := l.Config.People()
	if diff := cmp.Diff([]string{"tenant.com"}, tenants); diff != "" {
		t.Errorf("tenants:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"pbx.example.com": "tenant.com"}, hosts); diff != "" {
		t.Errorf("hosts:\n%s", diff)
	}
	got := map[string]string{}
	records := map[string]directory.Record{}
	for _, r := range users {
		u, err := l.Config.Fit(r.User)
		if err != nil {
			t.Error(err)
		}
		records[u.Name.String()] = r
		got[u.Name.String()] = fmt.Sprintf("%s phone %q account %q", u.Role, u.Phone, u.Account)
	}
	want := map[string]string{
		"123@tenant.com": `user phone "123" account "oftenant"`,
		"123":            `user phone "123" account "ofphone"`,
		"9":              `user phone "" account "own"`,
		"crm@tenant.com": `minter phone "" account "oftenant"`,
		"admin":          `admin phone "9" account "default"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	ada := records["123@tenant.com"]
	wantAda := directory.Record{
		User: directory.User{
			Name: directory.Name{Local: "123", Tenant: "tenant.com"}, Role: directory.RoleUser, FirstName: "Ada", External: new(false),
			Rules: []directory.Rule{{Min: 11, Max: 11, Prepend: "9"}},
		},
		PasswordHash: hash, Digest: "69ad6bfcbf70ac68dc964564f1e5425a", LinkSecret: sealed,
	}
	if diff := cmp.Diff(wantAda, ada); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"*@tenant.com", "123@tenant.com"}, records["crm@tenant.com"].Mints); diff != "" {
		t.Errorf("mints:\n%s", diff)
	}
}

// TestFitUnknown has a user of the store whose phone and account are gone.
func TestFitUnknown(t *testing.T) {
	c := Default()
	u, err := c.Fit(directory.User{Name: directory.Name{Local: "1"}, Role: directory.RoleUser, Phone: "gone", Account: "gone"})
	if err == nil || !strings.Contains(err.Error(), `phone: there is no phone "gone"`) || !strings.Contains(err.Error(), `account: there is no account "gone"`) {
		t.Errorf("error %v", err)
	}
	if u.Phone != "" || u.Account != "default" {
		t.Errorf("phone %q account %q", u.Phone, u.Account)
	}
}

// mistakesAre compares place and key of each mistake.
func mistakesAre(t *testing.T, text string, want ...string) {
	t.Helper()
	_, ms := parse(t, text)
	got := keysOfMistakes(t, ms, "hunter2")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%v", diff, ms)
	}
}

// TestUserMistakes: each line is wrong in one way, and is named.
func TestUserMistakes(t *testing.T) {
	mistakesAre(t, `[users."a:b"]
[users."1@2@3"]
[users."123@tenant.com"]
id = "7"
[users."123@TENANT.com"]
[users."124@tenant.com"]
id = "7"
[users."124@other.example"]
id = "7"
[users.125]
role = "boss"
password = "hunter2"
digest = "hunter2"
link_secret = "sealed:hunter2"
email = "nobody"
phone = "nophone"
account = "noaccount"
mints = ["123"]
id = "x"
type = "A"
methods = ["a"]
prefix_rules = [{min = 3, max = 2, prepend = "9"}, {min = 3, max = 3}]
extensions = ["*-*"]
numbers = ["abc"]
external_first = "maybe"
[users.126]
role = "minter"
[users.127]
role = "tenant-admin"
[tenants."a:b"]
[tenants."tenant.com"]
account = "noaccount"
hosts = ["https://x", "OTHER.example"]
[tenants."other.example"]
hosts = ["tenant.com"]
`,
		"a.toml:1: users.a:b:", "a.toml:2: users.1@2@3:",
		"a.toml:3: users.123@tenant.com:", "a.toml:7: users.124@tenant.com.id:",
		"a.toml:11: users.125.role:", "a.toml:12: users.125.password:", "a.toml:13: users.125.digest:", "a.toml:14: users.125.link_secret:",
		"a.toml:15: users.125.email:", "a.toml:16: users.125.phone:", "a.toml:17: users.125.account:", "a.toml:18: users.125.mints:",
		"a.toml:19: users.125.id:", "a.toml:20: users.125.type:", "a.toml:21: users.125.methods:", "a.toml:21: users.125.methods:",
		"a.toml:22: users.125.prefix_rules:", "a.toml:22: users.125.prefix_rules:", "a.toml:23: users.125.extensions:",
		"a.toml:24: users.125.numbers:", "a.toml:25: users.125.external_first:", "a.toml:26: users.126.mints:", "a.toml:29: users.127.role:",
		"a.toml:30: tenants.a:b:", "a.toml:32: tenants.tenant.com.account:", "a.toml:33: tenants.tenant.com.hosts[0]:",
		"a.toml:33: tenants.tenant.com.hosts[1]:", "a.toml:35: tenants.other.example.hosts[0]:",
	)
}

func TestVodiaMistakes(t *testing.T) {
	mistakesAre(t, `[vodia]
realm = "a\"b"
max_link_duration = "2d"
max_clock_skew = "-1s"
link_reuse = -1
dedupe_window = "2m"
prompt_repeats = 0
prompt_interval = "0s"
fail_tone = "1h"
allowed_origins = ["*", "https://a.example/x"]
public_host = "https://pbx.example"
trusted_proxies = ["all"]
session_idle = "2h"
session_max = "1h"
token_life = "1h"
max_sockets = -1
[links]
base_url = "https://a.example/"
life = "2d"
max_life = "1d"
keep = "-1s"
trusted_proxies = ["x"]
`,
		"a.toml:2: vodia.realm:", "a.toml:3: vodia.max_link_duration:", "a.toml:4: vodia.max_clock_skew:", "a.toml:5: vodia.link_reuse:",
		"a.toml:6: vodia.dedupe_window:", "a.toml:7: vodia.prompt_repeats:", "a.toml:8: vodia.prompt_interval:", "a.toml:9: vodia.fail_tone:",
		"a.toml:10: vodia.allowed_origins[0]:", "a.toml:10: vodia.allowed_origins[1]:", "a.toml:11: vodia.public_host:",
		"a.toml:12: vodia.trusted_proxies[0]:", "a.toml:14: vodia.session_max:", "a.toml:15: vodia.token_life:", "a.toml:16: vodia.max_sockets:",
		"a.toml:18: links.base_url:", "a.toml:20: links.max_life:", "a.toml:21: links.keep:", "a.toml:22: links.trusted_proxies[0]:",
	)
	for _, u := range []string{"dial.example.com", "ftp://a.example", "https://user@a.example", "https://a.example?x=1", "https://a.example#x"} {
		mistakesAre(t, fmt.Sprintf("[links]\nbase_url = %q\n", u), "a.toml:2: links.base_url:")
	}
}

func TestSwitchvoxMistakes(t *testing.T) {
	mistakesAre(t, `[switchvox]
realm = ""
auth_schemes = ["digest", "ntlm", "digest"]
nonce_life = "0s"
tenant = "a b"
min_extension = 6
max_extension = 3
allowed_origins = ["*"]
networks = ["x"]
trusted_proxies = ["y"]
pending = 0
version = "7\n8"
[switchvox.variables]
balance = 3
ticket = 3
zero = 0
"a b" = 4
`,
		"a.toml:2: switchvox.realm:", "a.toml:3: switchvox.auth_schemes[1]:", "a.toml:3: switchvox.auth_schemes[2]:", "a.toml:4: switchvox.nonce_life:",
		"a.toml:5: switchvox.tenant:", "a.toml:7: switchvox.max_extension:", "a.toml:8: switchvox.allowed_origins[0]:", "a.toml:9: switchvox.networks[0]:",
		"a.toml:10: switchvox.trusted_proxies[0]:", "a.toml:11: switchvox.pending:", "a.toml:12: switchvox.version:",
		"a.toml:15: switchvox.variables.ticket:", "a.toml:16: switchvox.variables.zero:", "a.toml:17: switchvox.variables.a",
	)
	mistakesAre(t, "[switchvox]\nauth_schemes = []\n", "a.toml:2: switchvox.auth_schemes:")
}

// TestDirectoryWarnings: what is odd, but works.
func TestDirectoryWarnings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[users.1]\nlink_secret = \"hunter2\"\n", "users.1.link_secret: is in plain text"},
		{"[users.1]\ndigest = \"69ad6bfcbf70ac68dc964564f1e5425a\"\n", "users.1.digest: is there without password"},
		{"[users.\"1@a.example\"]\nrole = \"minter\"\nmints = [\"*@b.example\"]\n", "mints[0]: \"*@b.example\" is of another tenant"},
		{"[users.1]\ndigest = \"69ad6bfcbf70ac68dc964564f1e5425a\"\npassword = \"" + auth.CheapHash("x") + "\"\n[switchvox]\nenabled = true\nauth_schemes = [\"basic\"]\n", "users.1.digest: is of no use"},
		{"[switchvox]\ntenant = \"nobody.example\"\n", "switchvox.tenant: there is no tenant \"nobody.example\""},
		{"[links]\nbase_url = \"http://dial.example.com\"\n", "links.base_url: sends links without encryption"},
		{"[vodia]\nenabled = true\nlink_reuse = 1\n[retention]\ncalls = \"1h\"\n", "vodia.link_reuse: is forgotten after a restart"},
		{"[vodia]\nenabled = true\n[http]\nlisten = \"\"\n", "vodia.enabled: has no effect"},
	} {
		l, ms := parse(t, c.text)
		if ms != nil {
			t.Errorf("%s: %v", c.text, ms)
			continue
		}
		if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].String(), c.want) || strings.Contains(l.Warnings[0].String(), "hunter2") {
			t.Errorf("%s: warnings %v, want %q", c.text, l.Warnings, c.want)
		}
	}
	for _, section := range []string{"vodia", "switchvox"} {
		l, ms := parse(t, "[http]\nlisten = \"0.0.0.0:8088\"\n["+section+"]\nenabled = true\nallow_plain_http = true\n")
		if ms != nil || !slices.ContainsFunc(l.Warnings, func(m Mistake) bool { return m.Key == section+".allow_plain_http" }) {
			t.Errorf("%s: %v %v", section, ms, l.Warnings)
		}
	}
}

// TestTakenPaths keeps dialproxy's pages off the paths of the other doors.
func TestTakenPaths(t *testing.T) {
	for _, p := range []string{"/remote_call.htm", "/rest/x", "/websocket", "/js/callback.js", "/makecall.htm", "/xml", "/json", "/link/x"} {
		mistakesAre(t, fmt.Sprintf("[dialproxy]\npaths = [%q]\n", p), "a.toml:2: dialproxy.paths[0]:")
	}
	mistakesAre(t, "[dialproxy]\npaths = [\"/xml.php\", \"/resting\"]\n")
}
