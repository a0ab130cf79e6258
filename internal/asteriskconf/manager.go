package asteriskconf

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// manager reads manager.conf, when http.conf and acl.conf are read (spec: ami 3).
func (l *loader) manager(file *conf.File) {
	a := &config.AMI{Users: map[string]config.AMIUser{}}
	l.r.AMI = a
	var general *options // gives users what they leave out
	if s := file.Section("general"); s != nil && !s.Hidden {
		general = l.options(s, nil)
		l.managerGeneral(a, general)
	}
	for _, s := range file.Sections {
		if !s.Hidden && !strings.EqualFold(s.Name, "general") {
			l.managerUser(a, l.options(s, nil), general)
		}
	}
	if !a.Enabled && len(a.Users) > 0 {
		l.warn(conf.Origin{File: "manager.conf"}, "AMI is off; set enabled = yes in [general] to switch it on")
	}
}

func (l *loader) managerGeneral(a *config.AMI, o *options) {
	a.Enabled = o.yes("enabled")
	a.TimestampEvents = o.yes("timestampevents")
	a.BrokenEventsAction = o.yes("brokeneventsaction")
	a.AuthTimeout = config.Seconds(o.number("authtimeout"))
	a.HTTPTimeout = config.Seconds(o.number("httptimeout"))
	a.AuthLimit = min(o.number("authlimit"), 1<<20)
	for _, name := range o.list("channelvars") {
		if strings.ContainsAny(name, " \t") {
			o.warn("channelvars", "%q is not the name of a variable; it is left out", name)
			continue
		}
		a.ChannelVars = append(a.ChannelVars, name)
	}
	for _, name := range o.list("disabledevents") {
		if strings.ContainsAny(name, " \t:\r\n") {
			o.warn("disabledevents", "%q is not the name of an event; it is left out", name)
			continue
		}
		a.DisabledEvents = append(a.DisabledEvents, name)
	}
	if o.yes("webenabled") {
		if h := l.r.HTTP; h == nil || h.Off {
			o.warn("webenabled", "HTTP is off in http.conf, so AMI is not served over HTTP")
		} else {
			a.Web = true
		}
	}
	l.managerListen(a, o)
	o.ignore("allowmultiplelogin", "displayconnects", "writetimeout") // of users who do not say it
	o.rest([]string{
		"debug", "block-sockets", "tlscipher", "tlsdisablev1", "tlsdisablev11", "tlsdisablev12", "tlsservercipherorder", "tlscafile", "tlscapath",
		"tlsdontverifyserver", "tlsclientmethod",
	})
}

// managerListen takes the addresses over. Without bindaddr Asterisk listens on all of them.
func (l *loader) managerListen(a *config.AMI, o *options) {
	bind, port := o.get("bindaddr"), o.number("port", "portno")
	host, given, ok := splitHostPort(cmp.Or(bind, "0.0.0.0"))
	if port = cmp.Or(given, port, 5038); ok {
		a.Listen = managerAddress(host, port)
	}
	if a.Listen == "" {
		o.warn("port", "%s and port %d are nothing to listen on; ami.listen counts", cmp.Or(bind, "bindaddr"), port)
	}
	l.managerTLS(a, o, host)
}

// managerTLS takes over the address that serves TLS, by default that of bindaddr.
func (l *loader) managerTLS(a *config.AMI, o *options, host string) {
	cert := o.get("tlscertfile")
	key, at := cmp.Or(o.get("tlsprivatekey"), cert), o.get("tlsbindaddr")
	if !o.yes("tlsenable") {
		return
	}
	host, port, ok := splitHostPort(cmp.Or(at, host))
	listen := managerAddress(host, cmp.Or(port, 5039))
	if !ok || listen == "" || listen == a.Listen {
		o.warn("tlsbindaddr", "%s is nothing to listen on; AMI is not served with TLS", cmp.Or(at, "tlsbindaddr"))
		return
	}
	for _, name := range []string{cert, key} {
		f, err := os.Open(name)
		if err != nil {
			o.warn("tlscertfile", "the certificate cannot be read (%v); AMI is not served with TLS", err)
			return
		}
		_ = f.Close() // opened for reading only
	}
	a.TLSListen, a.TLSCert, a.TLSKey = listen, cert, key
}

// managerAddress gives host:port as ami.listen has it, "" for what is none. All addresses
// are those of IPv4 and IPv6.
func managerAddress(host string, port int) string {
	if host == "0.0.0.0" || host == "::" {
		host = ""
	}
	if port < 1 || port > 65535 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// managerUser takes a user over, unless nobody could log in as it in Asterisk either, or
// its networks cannot be told.
func (l *loader) managerUser(a *config.AMI, o, general *options) {
	u := config.AMIUser{
		Secret: o.get("secret"), Read: o.classes("read"), Write: o.classes("write"),
		Filters: o.eventFilters(), SingleLogin: !inherited(o, general, "allowmultiplelogin", true), HideConnects: !inherited(o, general, "displayconnects", true),
	}
	if ms := o.number("writetimeout"); ms > 0 {
		u.WriteTimeout = config.Duration{Duration: time.Duration(ms) * time.Millisecond}
	}
	o.ignore("setvar")
	for _, line := range o.s.Lines {
		if !strings.EqualFold(line.Key, "setvar") {
			continue
		}
		if name, _, ok := strings.Cut(line.Value, "="); !ok || name == "" {
			l.warn(line.Origin, "[%s] setvar = %s is not NAME=value; it is left out", o.s.Name, line.Value)
			continue
		}
		u.Variables = append(u.Variables, line.Value)
	}
	var ok bool
	u.Permit, u.Deny, ok = o.access()
	o.rest([]string{"type", "debug"})
	name := o.s.Name
	switch {
	case !ok || !l.ariName("ami.users.", o):
		return
	case u.Secret == "":
		o.warn("secret", "has no secret, so nobody could log in; it is left out")
		return
	case strings.ContainsAny(u.Secret, "\r\n\x00"):
		o.warn("secret", "has a secret that is not one line, so nobody could log in; it is left out")
		return
	}
	for other := range a.Users {
		if strings.EqualFold(other, name) {
			o.warn("", "differs from %s by case only, which does not count at login; it is left out", other)
			return
		}
	}
	a.Users[name] = u
	l.ariAdded("ami.users."+name, o)
}

// inherited gives a yes or no of a user, else of [general], else the default.
func inherited(o, general *options, key string, default_ bool) bool {
	for _, from := range []*options{o, general} {
		if from == nil {
			continue
		}
		if v := from.get(key); v != "" {
			return conf.True(v)
		}
	}
	return default_
}

// classes gives the classes of a key. Asterisk knows neither blanks nor half names in
// between; here names count whole, and those that are none are told (spec: ami 3).
func (o *options) classes(key string) []string {
	var out []string
	for name := range strings.SplitSeq(o.get(key), ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case !config.IsAMIClass(name):
			o.warn(key, "%s names no class %q; it is left out", key, name)
		default:
			out = append(out, name)
		}
	}
	return out
}

// eventFilters gives the filters as ami.users.NAME.filters has them, in the order of the
// file. One that Asterisk would not take either is told and left out.
func (o *options) eventFilters() []string {
	var out []string
	for _, line := range o.s.Lines {
		key := strings.ToLower(line.Key)
		if !strings.HasPrefix(key, "eventfilter") {
			continue
		}
		o.used[key] = true
		text := line.Value
		if key != "eventfilter" || strings.HasPrefix(text, "eventfilter") {
			text = "eventfilter" + line.Key[len("eventfilter"):] + " = " + line.Value
		}
		if _, err := config.ParseEventFilter(text); err != nil {
			o.l.warn(line.Origin, "[%s] the filter cannot be used and is left out: %v", o.s.Name, err)
			continue
		}
		out = append(out, text)
	}
	return out
}

// cdrManager reads cdr_manager.conf.
func (l *loader) cdrManager(file *conf.File) {
	s := file.Section("general")
	if s == nil || s.Hidden {
		return
	}
	o := l.options(s, nil)
	l.r.CDREvents = o.yes("enabled")
	o.rest(nil)
	if m := file.Section("mappings"); m != nil && !m.Hidden && len(m.Lines) > 0 && l.r.CDREvents {
		l.warn(m.Origin, "[mappings] further fields of the event Cdr are not supported and are left out")
	}
}

// mergeAMI adds users that c does not define, and settings that it leaves at their
// defaults: none if AMI was off and c has users to whom it is open.
func (r *Result) mergeAMI(c *config.Config, added map[string]config.Place) {
	c.AMI.CDREvents = c.AMI.CDREvents || r.CDREvents
	if r.HTTP != nil {
		c.AMI.Prefix = cmp.Or(c.AMI.Prefix, r.HTTP.Prefix)
	}
	if r.AMI == nil || !r.AMI.Enabled && len(c.AMI.Users) > 0 {
		return
	}
	a, d := &c.AMI, config.Default().AMI
	a.Enabled = a.Enabled && r.AMI.Enabled
	if a.Listen == d.Listen && a.TLSListen == "" {
		a.Listen = cmp.Or(r.AMI.Listen, a.Listen)
		if a.TLSCert == "" && a.TLSKey == "" {
			a.TLSListen, a.TLSCert, a.TLSKey = r.AMI.TLSListen, r.AMI.TLSCert, r.AMI.TLSKey
		}
	}
	a.Web = a.Web || r.AMI.Web
	a.TimestampEvents = a.TimestampEvents || r.AMI.TimestampEvents
	a.BrokenEventsAction = a.BrokenEventsAction || r.AMI.BrokenEventsAction
	if a.AuthTimeout == d.AuthTimeout {
		a.AuthTimeout = cmp.Or(r.AMI.AuthTimeout, a.AuthTimeout)
	}
	if a.HTTPTimeout == d.HTTPTimeout {
		a.HTTPTimeout = cmp.Or(r.AMI.HTTPTimeout, a.HTTPTimeout)
	}
	if a.AuthLimit == d.AuthLimit {
		a.AuthLimit = cmp.Or(r.AMI.AuthLimit, a.AuthLimit)
	}
	if len(a.ChannelVars) == 0 {
		a.ChannelVars = r.AMI.ChannelVars
	}
	if len(a.DisabledEvents) == 0 {
		a.DisabledEvents = r.AMI.DisabledEvents
	}
	for name, u := range r.AMI.Users {
		if !hasFold(a.Users, name) {
			if a.Users == nil {
				a.Users = map[string]config.AMIUser{}
			}
			a.Users[name], added["ami.users."+name] = u, r.places["ami.users."+name]
		}
	}
}

// hasFold says whether a map has a key in any case.
func hasFold(m map[string]config.AMIUser, name string) bool {
	for other := range m {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// astDB finds the file of AstDB, "" if there is none: where asterisk.conf says, else
// beside the configuration or, of a copy of AstLinux's /mnt/kd, above it.
func (r *Result) astDB() string {
	for _, dir := range append([]string{r.Directories.DB, r.Directories.VarLib, r.Directories.Etc}, above(r.Directories.Etc)...) {
		if dir == "" {
			continue
		}
		file := filepath.Join(dir, "astdb.sqlite3")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}
