package vodia

import (
	"strconv"
	"strings"
	"time"
)

// Path is where links lead.
const Path = "/remote_call.htm"

// URL gives a whole link: base is "https://pbx.example[:port]", raw what Bare, Signed or
// WithCredentials gives.
func URL(base, raw string) string { return strings.TrimSuffix(base, "/") + Path + "?" + raw }

// Bare gives the query of a link without authentication: the server asks for a password, or
// takes a session (spec: vodia 4.1, type 2). User may be empty: then the login names it. Of
// a Link it writes User, Dest, Name and Connect.
func Bare(l Link) string {
	var q query
	q.add("user", l.User)
	q.add("dest", l.Dest)
	return q.end(l, "")
}

// Signed gives the query of a link that is valid for so long from at on: signed as ours if
// l.Nonce is set, else as the vendor's (type 3). Of a Link it writes User, Dest, Name, Nonce
// and Connect. ok is false if no server would accept it: a duration that is not 1 s to
// 99,999 s, a moment that is not between 2001 and 2286, a bad nonce, no secret, or a line
// feed where our signature has no place for it.
func Signed(l Link, secret string, at time.Time, duration time.Duration) (raw string, ok bool) {
	l.Time = strconv.FormatInt(at.Unix(), 10)
	l.Duration = strconv.FormatInt(int64(duration/time.Second), 10)
	l.Auth = ""
	if l.Nonce != "" {
		if l.Auth, ok = SignV2(l.User, secret, l.Dest, l.Time, l.Duration, l.Nonce, l.Connect); !ok {
			return "", false
		}
	} else {
		l.Auth = SignMD5(l.User, secret, l.Dest, l.Time, l.Duration)
	}
	if secret == "" || l.checkShape() != nil {
		return "", false
	}
	var q query
	q.add("user", l.User)
	q.add("extension", "true")
	q.add("dest", l.Dest)
	q.add("time", l.Time)
	q.add("duration", l.Duration)
	q.add("nonce", l.Nonce)
	return q.end(l, l.Auth), true
}

// WithCredentials gives the query of a link with credentials in it (type 4), in base64 or
// plain. Who sees it can log in: it belongs into no mail and no page. Of a Link it writes
// User, Dest, Name and Connect.
func WithCredentials(l Link, c Credentials) string {
	var q query
	q.add("user", l.User)
	q.add("dest", l.Dest)
	return q.end(l, c.String())
}

// query is one that is being written.
type query struct{ strings.Builder }

// add writes a parameter, unless it is empty.
func (q *query) add(name, value string) {
	if value == "" {
		return
	}
	if q.Len() > 0 {
		q.WriteByte('&')
	}
	q.WriteString(name + "=" + escape(value))
}

// end writes what ends all links: the name, the authentication and the flag of type 5.
func (q *query) end(l Link, auth string) string {
	q.add("name", l.Name)
	q.add("auth", auth)
	if l.Connect {
		q.add("connect", "true")
	}
	return q.String()
}
