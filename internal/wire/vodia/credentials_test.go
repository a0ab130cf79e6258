package vodia_test

import (
	"testing"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

func TestParseCredentials(t *testing.T) {
	for _, c := range []struct {
		auth string
		want vodia.Credentials
		ok   bool
	}{
		{"123@domain.com:pass:word", vodia.Credentials{Name: "123@domain.com", Password: "pass:word", Plain: true}, true},
		{"446@192.168.1.113:zxc", vodia.Credentials{Name: "446@192.168.1.113", Password: "zxc", Plain: true}, true},
		{"123:", vodia.Credentials{Name: "123", Plain: true}, true},
		{":x", vodia.Credentials{Password: "x", Plain: true}, true}, // nobody's
		{"MTIzOg==", vodia.Credentials{Name: "123"}, true},
		{"MTIzOg=", vodia.Credentials{Name: "123"}, true},
		{"MTIzOg====", vodia.Credentials{Name: "123"}, true},
		{"MTIzOnDDpHNz", vodia.Credentials{Name: "123", Password: "päss"}, true},
		{"MTI=zOg", vodia.Credentials{}, false},
		{"MTIzOnDkc3M=", vodia.Credentials{}, false}, // Latin-1
		{"123:\xff", vodia.Credentials{}, false},
		{"MTIz", vodia.Credentials{}, false},
		{"M", vodia.Credentials{}, false},
		{"=", vodia.Credentials{}, false},
		{"!!!!", vodia.Credentials{}, false},
		{"c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6c6", vodia.Credentials{}, false},
		{"YTpiY2RlZmdoaWprbG1ub3BxcnN0dXZ3", vodia.Credentials{Name: "a", Password: "bcdefghijklmnopqrstuvw"}, true}, // 32 characters, no signature
		{"v2.1bPkc4sqnnC3DlQk31t1NLG36pnUReoUNullSziFkzY", vodia.Credentials{}, false},
	} {
		if got, ok := vodia.ParseCredentials(c.auth); got != c.want || ok != c.ok {
			t.Errorf("%q gives %+v, %v", c.auth, got, ok)
		}
	}
}

func TestCredentialsString(t *testing.T) {
	c := vodia.Credentials{Name: "123@domain.com", Password: "password"}
	if got := c.String(); got != "MTIzQGRvbWFpbi5jb206cGFzc3dvcmQ=" {
		t.Error(got)
	}
	c.Plain = true
	if got := c.String(); got != "123@domain.com:password" {
		t.Error(got)
	}
}
