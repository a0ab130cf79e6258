package vodia

import (
	"net/url"
	"strings"
)

// AppLink is a link that the vendor's app handles on the user's device; it never reaches a
// server (spec: vodia 3).
type AppLink struct {
	Host string // of the PBX or tenant, lower case; "" = where the app is signed in
	Dial string // number
	Name string // of the number, for people; "" = none
}

// scheme begins an AppLink.
const scheme = "vodia://"

// ParseAppLink reads "vodia://test.com?dial=6173998147&name=JoeDoe". Unknown parameters are
// ignored, and of a repeated one the first counts. The errors are ErrURI and ErrDialMissing.
func ParseAppLink(uri string) (AppLink, error) {
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return AppLink{}, ErrURI
	}
	rest, _, _ := strings.Cut(uri[len(scheme):], "#")
	authority, query, _ := strings.Cut(rest, "?")
	host := strings.ToLower(strings.TrimSuffix(authority, "/"))
	if !isHost(host) {
		return AppLink{}, ErrURI
	}
	l := AppLink{Host: host}
	for name, value := range Pairs(query) {
		switch {
		case name == "dial" && l.Dial == "":
			l.Dial = plus(value)
		case name == "name" && l.Name == "":
			l.Name = CleanName(value)
		}
	}
	if l.Dial == "" {
		return AppLink{}, ErrDialMissing
	}
	return l, nil
}

// maxHost bounds a host in bytes, with its port.
const maxHost = 253 + len(":65535")

// isHost says whether a text can be host[:port], or nothing.
func isHost(s string) bool {
	return len(s) <= maxHost && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '\ufffd' || strings.ContainsRune(`/@\<>"'%&;^|{}`+"`", r)
	})
}

// String writes the link. Host and Dial must be what ParseAppLink can give.
func (l AppLink) String() string {
	s := scheme + l.Host + "?dial=" + escape(l.Dial)
	if l.Name != "" {
		s += "&name=" + escape(l.Name)
	}
	return s
}

// escape writes a value of a query. Blanks are %20: apps do not all know that + is one.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
