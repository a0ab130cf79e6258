package vodia_test

import (
	"strings"
	"testing"

	"github.com/dialwright/dialwright/internal/wire/vodia"
)

func TestParseAppLink(t *testing.T) {
	for _, c := range []struct {
		uri  string
		want vodia.AppLink
		err  error
	}{
		{"vodia://test.com?dial=1", vodia.AppLink{Host: "test.com", Dial: "1"}, nil},
		{"Vodia://Test.com:8443/?dial=1&x=2&dial=3&name=&name=a&name=b#top", vodia.AppLink{Host: "test.com:8443", Dial: "1", Name: "a"}, nil},
		{"vodia:///?dial=1", vodia.AppLink{Dial: "1"}, nil},
		{"vodia://[2001:DB8::1]?dial=1", vodia.AppLink{Host: "[2001:db8::1]", Dial: "1"}, nil},
		{"vodia://t?dial=+49&amp;name=A+B", vodia.AppLink{Host: "t", Dial: "+49", Name: "A B"}, nil},
		{"vodia://t?name=x", vodia.AppLink{}, vodia.ErrDialMissing},
		{"vodia://t?dial=", vodia.AppLink{}, vodia.ErrDialMissing},
		{"vodia://t", vodia.AppLink{}, vodia.ErrDialMissing},
		{"vodia://", vodia.AppLink{}, vodia.ErrDialMissing},
		{"vodia://t#?dial=1", vodia.AppLink{}, vodia.ErrDialMissing},
		{"vodia:t?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"https://t?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{" vodia://t?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://t/path?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://t//?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://me@t?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://t t?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://t\r\n?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://%74?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://\xff?dial=1", vodia.AppLink{}, vodia.ErrURI},
		{"vodia://" + strings.Repeat("x", 300) + "?dial=1", vodia.AppLink{}, vodia.ErrURI},
	} {
		if got, err := vodia.ParseAppLink(c.uri); got != c.want || err != c.err {
			t.Errorf("%.60q gives %+v, %v; want %+v, %v", c.uri, got, err, c.want, c.err)
		}
	}
}
