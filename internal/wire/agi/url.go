package agi

import (
	"errors"
	"net"
	"strings"
)

// Port is where FastAGI servers listen.
const Port = "4573"

// ErrURL says that a text is no FastAGI URL.
var ErrURL = errors.New("not of the form agi://host[:port][/path]")

// URL is a FastAGI server with a script: agi://host[:port][/path].
type URL struct {
	Host   string // name or address, without brackets
	Port   string // "" = Port, or what DNS says
	Script string // path without its slash, with its query
	SRV    bool   // hagi://: the servers are looked up as _agi._tcp.host (RFC 2782)
}

// ParseURL reads agi:// and hagi:// (Asterisk: res_agi.c launch_netscript).
func ParseURL(s string) (URL, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	u := URL{SRV: strings.EqualFold(scheme, "hagi")}
	if !ok || !u.SRV && !strings.EqualFold(scheme, "agi") {
		return URL{}, ErrURL
	}
	rest, u.Script, _ = strings.Cut(rest, "/")
	u.Host = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		u.Host, u.Port = host, port
	} else if strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]") {
		u.Host = rest[1 : len(rest)-1]
	}
	if u.Host == "" || strings.ContainsAny(u.Host, " []\r\n") || strings.Trim(u.Port, "0123456789") != "" {
		return URL{}, ErrURL
	}
	return u, nil
}

// Address gives host:port to connect to.
func (u URL) Address() string {
	if u.Port == "" {
		return net.JoinHostPort(u.Host, Port)
	}
	return net.JoinHostPort(u.Host, u.Port)
}
