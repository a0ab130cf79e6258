package asteriskconf

import (
	"cmp"
	"net"
	"os"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// HTTP is what http.conf says.
type HTTP struct {
	Off      bool   // there is neither HTTP nor HTTPS
	Listen   string // host:port, "" = nothing to take over
	TLSCert  string // with which Listen serves HTTPS
	TLSKey   string
	Prefix   string // "/asterisk"
	Sessions int    // most connections at once, 0 = not said
}

// http reads http.conf.
func (l *loader) http(file *conf.File) {
	h := &HTTP{Off: true}
	l.r.HTTP = h
	s := file.Section("general")
	if s == nil || s.Hidden {
		return
	}
	o := l.options(s, nil)
	l.httpListen(h, o)
	h.Sessions = o.number("sessionlimit")
	if prefix := strings.Trim(o.get("prefix"), "/"); strings.ContainsAny(prefix, " ?#%{}") {
		o.warn("prefix", "prefix = %s cannot be the beginning of a path; it is ignored", prefix)
	} else if prefix != "" {
		h.Prefix = "/" + prefix
	}
	l.restrictions(file, h.Prefix)
	if o.yes("enable_static", "enablestatic") {
		o.warn("enable_static", "files are not served")
	}
	o.rest([]string{
		"servername", "session_inactivity", "session_keep_alive", "enable_status", "static_cache", "redirect", "tlscipher",
		"tlscapath", "tlscafile", "tlsdisablev1", "tlsdisablev11", "tlsdisablev12", "tlsservercipherorder",
	})
}

// restrictions remembers the section that says who may reach ARI at all (Asterisk:
// main/http.c, type = restriction). Those of other paths have nothing to restrict here,
// but for one that is about a part of ARI.
func (l *loader) restrictions(file *conf.File, prefix string) {
	for _, s := range file.Sections {
		path := strings.TrimPrefix(strings.ToLower(strings.TrimRight(s.Name, "/")), strings.ToLower(prefix))
		if s.Hidden || path != "" && !strings.HasPrefix(path, "/") {
			continue
		}
		o := l.options(s, nil)
		if !strings.EqualFold(o.get("type"), "restriction") {
			continue
		}
		switch {
		case strings.HasPrefix(path, "/ari/"):
			o.warn("", "restricts a part of ARI, which is not supported: its networks are not looked at")
		case !strings.HasPrefix("/ari", path):
		case l.restriction != nil:
			o.warn("", "restricts ARI as %s does, which counts", l.restriction.s.Origin)
		default:
			l.restriction = o
		}
	}
}

// httpListen takes the address over. Plain HTTP and HTTPS side by side there are not.
func (l *loader) httpListen(h *HTTP, o *options) {
	plain, secure := o.yes("enabled"), o.yes("tlsenable")
	host := strings.Trim(o.get("bindaddr"), "[]")
	port := cmp.Or(o.number("bindport"), 8088)
	secureAt := o.get("tlsbindaddr")
	cert := o.get("tlscertfile")
	key := cmp.Or(o.get("tlsprivatekey"), cert)
	h.Off = !plain && !secure
	switch {
	case plain && secure:
		o.warn("tlsenable", "HTTPS beside HTTP is not served; http.listen serves HTTPS instead if http.tls_cert is set")
	case secure:
		l.httpSecure(h, o, cmp.Or(secureAt, host), cert, key)
		return
	case !plain:
		return
	}
	if host == "" {
		o.warn("", "has no bindaddr, without which Asterisk does not serve HTTP; http.listen counts")
		return
	}
	h.Listen = o.listenAt("bindaddr", withPort(host, port), 8088)
}

// httpSecure takes over an address that serves HTTPS only.
func (l *loader) httpSecure(h *HTTP, o *options, at, cert, key string) {
	listen := o.listenAt("tlsbindaddr", at, 8089)
	if listen == "" {
		return
	}
	for _, name := range []string{cert, key} {
		f, err := os.Open(name)
		if err != nil {
			o.warn("tlscertfile", "the certificate cannot be read (%v); http.listen counts", err)
			return
		}
		_ = f.Close() // opened for reading only
	}
	h.Listen, h.TLSCert, h.TLSKey = listen, cert, key
}

// listenAt gives an address as http.listen has it, "" for what is none, which is reported.
func (o *options) listenAt(key, at string, port int) string {
	host, given, ok := splitHostPort(at)
	listen := withPort(host, cmp.Or(given, port))
	if _, _, err := net.SplitHostPort(listen); !ok || err != nil {
		o.warn(key, "%s is no address to listen on; http.listen counts", at)
		return ""
	}
	return listen
}

func (r *Result) mergeHTTP(c *config.Config) {
	if r.HTTP == nil {
		return
	}
	d := config.Default()
	if r.HTTP.Listen != "" && c.HTTP.Listen == d.HTTP.Listen && c.HTTP.TLSCert == "" && c.HTTP.TLSKey == "" {
		c.HTTP.Listen, c.HTTP.TLSCert, c.HTTP.TLSKey = r.HTTP.Listen, r.HTTP.TLSCert, r.HTTP.TLSKey
	}
	if c.HTTP.MaxStreams == d.HTTP.MaxStreams {
		c.HTTP.MaxStreams = max(c.HTTP.MaxStreams, min(r.HTTP.Sessions, 1<<20)) // a WebSocket is a session
	}
	c.ARI.Prefix = cmp.Or(c.ARI.Prefix, r.HTTP.Prefix)
}
