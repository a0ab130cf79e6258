package asteriskconf

import (
	"cmp"
	"os"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// webSocketClients remembers the sections of websocket_client.conf by name.
func (l *loader) webSocketClients(file *conf.File) {
	l.clients = map[string]*options{}
	for _, s := range file.Sections {
		if s.Hidden || strings.EqualFold(s.Name, "general") {
			continue
		}
		o := l.options(s, nil)
		if kind := o.get("type"); !strings.EqualFold(kind, "websocket_client") {
			o.warn("type", "is not of type websocket_client and is left out")
			continue
		}
		if other := l.clients[s.Name]; other != nil {
			o.warn("", "is already defined at %s, which counts", other.s.Origin)
			continue
		}
		l.clients[s.Name] = o
	}
}

// ariOutbound takes over an outbound_websocket of ari.conf with its client of
// websocket_client.conf.
func (l *loader) ariOutbound(a *config.ARI, o *options) {
	id := o.get("websocket_client_id")
	out := config.ARIOutbound{SubscribeAll: o.yes("subscribe_all"), LocalUser: o.get("local_ari_user")}
	for _, app := range o.list("apps") {
		switch {
		case !config.IsApplication(app):
			o.warn("apps", "%q cannot be the name of an application; it is left out", app)
		case servesAny(a.Outbound, []string{app}) || servesAny(map[string]config.ARIOutbound{"": out}, []string{app}):
			o.warn("apps", "application %s is already served by another connection; it is left out", app)
		default:
			out.Apps = append(out.Apps, app)
		}
	}
	o.rest(nil)
	client := l.clients[id]
	_, known := a.Users[out.LocalUser]
	switch {
	case !l.ariName("ari.outbound.", o):
		return
	case client == nil:
		o.warn("websocket_client_id", "websocket_client.conf has no client %q; the connection is left out", id)
		return
	case !known:
		o.warn("local_ari_user", "there is no user %q; the connection is left out", out.LocalUser)
		return
	case len(out.Apps) == 0:
		o.warn("apps", "has no applications and is left out")
		return
	}
	if !client.connect(&out) {
		return
	}
	if out.PerCall && len(out.Apps) > 1 {
		o.warn("apps", "a connection for each call serves exactly one application; it is left out")
		return
	}
	a.Outbound[o.s.Name] = out
	l.ariAdded("ari.outbound."+o.s.Name, o)
}

// connect says how a client connects, false if it cannot.
func (o *options) connect(out *config.ARIOutbound) bool {
	out.URI = o.get("uri")
	tls := o.yes("tls_enabled")
	if rest, ok := strings.CutPrefix(out.URI, "ws://"); ok && tls {
		out.URI = "wss://" + rest
	}
	out.Protocols = o.list("protocols")
	out.Username, out.Password = o.get("username"), o.get("password")
	kind := strings.ToLower(cmp.Or(o.get("connection_type"), "persistent"))
	out.PerCall = kind == "per_call_config"
	out.Timeout = o.milliseconds("connection_timeout")
	out.Reconnect = o.milliseconds("reconnect_interval")
	if tries := o.number("reconnect_attempts"); out.PerCall { // one that it keeps open Asterisk never gives up
		out.Attempts = cmp.Or(tries, 4) - 1
	}
	o.verify(out)
	out.CAFile = o.readable("ca_list_file")
	out.CertFile = o.readable("cert_file")
	out.KeyFile = o.readable("priv_key_file")
	if (out.CertFile == "") != (out.KeyFile == "") {
		o.warn("cert_file", "a certificate and its key go together; neither is shown")
		out.CertFile, out.KeyFile = "", ""
	}
	o.rest(nil)
	switch {
	case !config.IsWebSocketURI(out.URI): // without it: it may hold a password
		o.warn("uri", "uri is not an address that begins with ws:// or wss://; connections to it are left out")
		return false
	case kind != "persistent" && kind != "per_call_config":
		o.warn("connection_type", "connection_type = %s does not fit an application of ARI; connections to it are left out", kind)
		return false
	}
	return true
}

// verify says how much of the server's certificate is looked at.
func (o *options) verify(out *config.ARIOutbound) {
	no := func(key string) bool { return o.get(key) != "" && !o.yes(key) }
	cert, host := no("verify_server_cert"), no("verify_server_hostname")
	if host && !cert {
		o.warn("verify_server_hostname", "verify_server_hostname = no: here the certificate is then not looked at either")
	}
	out.Insecure = cert || host
}

// milliseconds gives a duration, 0 for what is none.
func (o *options) milliseconds(key string) config.Duration {
	return config.Duration{Duration: time.Duration(o.number(key)) * time.Millisecond}
}

// readable gives the name of a file that can be read, "" for another, which is reported.
func (o *options) readable(key string) string {
	name := o.get(key)
	if name == "" {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		o.warn(key, "%s cannot be read (%v); it is ignored", key, err)
		return ""
	}
	_ = f.Close() // opened for reading only
	return name
}
