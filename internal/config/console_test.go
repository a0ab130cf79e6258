package config

import (
	"strings"
	"testing"
)

func TestConsole(t *testing.T) {
	if c := Default().Console; !c.Enabled || c.SessionIdle != Seconds(3600) || c.SessionMax != Seconds(12*3600) || c.AllowPlainHTTP {
		t.Errorf("default %+v", c)
	}
	mistakesAre(t, `[console]
base_url = "https://pbx.example.com/console"
session_idle = "0s"
session_max = "1000h"
trusted_proxies = ["proxy"]
`, "a.toml:2: console.base_url:", "a.toml:3: console.session_idle:", "a.toml:4: console.session_max:", "a.toml:5: console.trusted_proxies[0]:")
	mistakesAre(t, "[console]\nsession_idle = \"2h\"\nsession_max = \"1h\"\n", "a.toml:3: console.session_max:")
}

func TestConsoleWarns(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[console]\nbase_url = \"http://pbx.example.com\"\n", "console.base_url: sends one-time logins without encryption"},
		{"[console]\nallow_plain_http = true\n[http]\nlisten = \"0.0.0.0:8088\"\n", "console.allow_plain_http: lets users send their passwords"},
	} {
		l, ms := parse(t, c.text)
		all := ""
		for _, w := range l.Warnings {
			all += w.String() + "\n"
		}
		if ms != nil || !strings.Contains(all, c.want) {
			t.Errorf("%q: %v, warnings %s", c.text, ms, all)
		}
	}
}
