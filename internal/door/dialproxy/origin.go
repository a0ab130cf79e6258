package dialproxy

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// foreign says why a request may come from a web page that has no business here; ""
// = it does not. A GET that dials is out of reach of http.CrossOriginProtection, which
// lets every GET pass (spec: dialproxy 11, W2).
//
// Browsers tell in Sec-Fetch-Site who has asked, but only to addresses that they hold
// to be safe: HTTPS, and loopback. To others they say nothing in a GET for an image or a
// link, so there a browser is refused because it is one. Programs send neither header.
// Referer proves nothing: a page can leave it away.
func (x *exchange) foreign() string {
	origin := x.r.Header.Get("Origin")
	if origin != "" && slices.Contains(x.c.AllowedOrigins, origin) {
		return ""
	}
	switch sites := x.r.Header.Values("Sec-Fetch-Site"); {
	case len(sites) == 0:
	case len(sites) == 1 && sites[0] == "same-origin":
		return x.rebound()
	case len(sites) == 1 && sites[0] == "none": // typed, a bookmark, another program, or an extension that may
		return embedded(x.r.Header)
	default:
		return "Sec-Fetch-Site: " + strings.Join(sites, ", ")
	}
	if origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, x.r.Host) {
			return "Origin: " + origin
		}
		return x.rebound()
	}
	if why := embedded(x.r.Header); why != "" {
		return why
	}
	if browser(x.r.UserAgent()) {
		return "a browser does not say over plain HTTP which page asks; use HTTPS, or send the label's token in a header or a form"
	}
	return ""
}

// rebound says why a page that the browser holds to be ours may not be: over plain HTTP
// the name of a stranger's page can be made to lead to our address (DNS rebinding). What
// no stranger can own is let pass: addresses, and names without a dot.
func (x *exchange) rebound() string {
	if x.secure() || slices.Contains(x.c.AllowedOrigins, "http://"+x.r.Host) {
		return ""
	}
	host := x.r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || !strings.Contains(host, ".") {
		return ""
	}
	return "a page of http://" + x.r.Host + " may be anybody's; use HTTPS, or add it to allowed_origins"
}

// secure says whether the client came by TLS, to us or to a trusted proxy.
func (x *exchange) secure() bool {
	return x.r.TLS != nil || proxied(x.r, x.c.TrustedProxies) && x.r.Header.Get("X-Forwarded-Proto") == "https"
}

// browser says whether a User-Agent is that of a web browser. All of them begin with
// Mozilla/. Thunderbird does so too, but shows no web pages that could run scripts, and
// its add-ons dial by GET (spec: dialproxy 10, TBDialOut).
func browser(agent string) bool {
	return strings.HasPrefix(agent, "Mozilla/") && !strings.Contains(agent, " Thunderbird/")
}

// embedded says why a request is for a part of something that is shown: the picture of a
// mail, which mail programs fetch by themselves; "" = it is not. Nobody calls that way.
func embedded(h http.Header) string {
	if dest := h.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" && dest != "empty" {
		return "Sec-Fetch-Dest: " + dest
	}
	kind, _, _ := strings.Cut(h.Get("Accept"), ",") // what is wanted first
	kind, sub, _ := strings.Cut(strings.ToLower(strings.TrimSpace(kind)), "/")
	switch {
	case kind == "image" || kind == "audio" || kind == "video" || kind == "font" || kind == "text" && strings.HasPrefix(sub, "css"),
		kind == "application" && strings.HasPrefix(sub, "font"):
		return "Accept: a part of a page or a mail is asked for, such as a picture"
	}
	return ""
}

// early says whether a browser fetches what nobody has asked for yet (spec: dialproxy DP-10).
func early(h http.Header) bool {
	for _, name := range []string{"Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(h.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// cors lets scripts of allowed origins read the answer, and says whether the request
// comes from one. There is no "*": it would let every page read.
func (x *exchange) cors() bool {
	h := x.w.Header()
	h.Add("Vary", "Origin")
	origin := x.r.Header.Get("Origin")
	if origin == "" || origin == "*" || !slices.Contains(x.c.AllowedOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "X-Call-Result, X-Call-Id")
	return true
}

// preflight answers a browser that asks whether its script may ask.
func (x *exchange) preflight(allowed bool) {
	if !allowed || x.r.Header.Get("Access-Control-Request-Method") == "" {
		x.write(http.StatusForbidden, "Error")
		return
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", x.methods())
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Dialproxy-Token")
	if x.r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Del("Content-Type")
	x.w.WriteHeader(http.StatusNoContent)
}

func proxied(r *http.Request, trusted []netip.Prefix) bool { return auth.Among(auth.Peer(r), trusted) }
