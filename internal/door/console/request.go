package console

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// exchange is one request with its answer.
type exchange struct {
	d      *Door
	c      *Config             // in force when it came
	w      http.ResponseWriter // nil where nothing is answered
	r      *http.Request
	client netip.Addr // who asks: the peer, or what a trusted proxy says of it
}

func (d *Door) exchange(r *http.Request) *exchange {
	c := d.o.Config()
	return &exchange{d: d, c: c, r: r, client: auth.Client(r, c.TrustedProxies)}
}

// secure says whether the client came by TLS, to us or to a trusted proxy.
func (x *exchange) secure() bool {
	return x.r.TLS != nil || auth.Among(auth.Peer(x.r), x.c.TrustedProxies) && x.r.Header.Get("X-Forwarded-Proto") == "https"
}

// private says whether nobody on the way can read what the client sends: by TLS, or from
// this machine; or that the operator does not mind. A proxy on this machine that nobody has
// named counts as what it passes on.
func (x *exchange) private() bool {
	return x.secure() || x.c.AllowPlainHTTP || x.client.IsLoopback() && auth.Peer(x.r).IsLoopback() && !auth.PassedOn(x.r.Header)
}

// ours says whether an Origin is that of the address that was asked for. Over HTTPS a page
// that came without it is not: somebody may have changed it on its way.
func (x *exchange) ours(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && sameHost(u.Host, x.r.Host) && (u.Scheme == "https" || u.Scheme == "http" && !x.secure())
}

// sameHost compares host[:port], leaving out the usual ports.
func sameHost(a, b string) bool {
	bare := func(s string) string {
		if h, port, err := net.SplitHostPort(s); err == nil && (port == "80" || port == "443") {
			return h
		}
		return s
	}
	return strings.EqualFold(bare(a), bare(b))
}

// ownPage says whether a page of this server asks, as browsers tell: by Sec-Fetch-Site, which
// no page can write, else by Origin. A proxy may have changed the host that we are asked for,
// so that the Origin is another one; then the former decides. named says that the browser has
// told it at all.
func (x *exchange) ownPage() (own, named bool) {
	sites, origins := x.r.Header.Values("Sec-Fetch-Site"), x.r.Header.Values("Origin")
	switch {
	case len(sites) > 0:
		return len(sites) == 1 && sites[0] == "same-origin" && len(origins) <= 1, true
	case len(origins) > 0:
		return len(origins) == 1 && x.ours(origins[0]), true
	}
	return false, false
}

// foreign says whether the session must not count for a request: a page of another site
// sends it, or one of another origin of our site, to which browsers give the cookie. A window
// that a person sends here ("none") is ours. WebSockets, which every page may open, need proof.
func (x *exchange) foreign() bool {
	own, named := x.ownPage()
	switch {
	case own:
		return false
	case strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket"):
		return true
	}
	sites := x.r.Header.Values("Sec-Fetch-Site")
	return named && !(len(sites) == 1 && sites[0] == "none" && x.r.Method == http.MethodGet)
}

// nextPath gives where a browser goes after the login: the path that ?next= names if it is one
// of the console, else the console itself. Nothing leads to another server.
func nextPath(next string) string {
	if !strings.HasPrefix(next, appPath) || len(next) > 1024 {
		return appPath
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || !strings.HasPrefix(u.Path, appPath) ||
		strings.HasPrefix(u.Path, oncePath) || u.Path == loginPath || u.Path == logoutPath ||
		strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.") || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return appPath
	}
	return next
}

// addressKey is what counts as one address: all of the same IPv6 /64 are one subscriber's.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return a.String()
}
