package asteriskconf

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Problem is something that was not taken over, or not as it is written. Its
// File is relative to the directory that was read.
type Problem = conf.Problem

// Result is what an Asterisk's configuration says, in our words. What it does
// not say is empty.
type Result struct {
	// Phones by the name with which they register, Trunks by the name of their
	// endpoint or peer. No name is in both.
	Phones map[string]config.Phone
	Trunks map[string]config.Trunk
	// Endpoints says which phone or trunk a dial string of the Asterisk means:
	// "PJSIP/alice" → "100". Every phone and trunk is named.
	Endpoints map[string]string

	Listen         []string // as config.SIP.Listen: "udp:0.0.0.0:5060"
	TLSCert        string   // of tls listeners
	TLSKey         string
	Advertise      string // host[:port] that SIP peers are shown
	MediaAdvertise string // address that is written into SDP
	Domain         string // realm in which phones log in
	UserAgent      string

	Directories     Directories
	Dialplan        string // path of extensions.conf, if there is one
	SystemName      string
	LiveDangerously bool // never merged: dialplan.allow_exec and its neighbours decide

	ARI  *config.ARI // of ari.conf and websocket_client.conf, nil without ari.conf
	HTTP *HTTP       // of http.conf, nil without it

	AMI       *config.AMI // of manager.conf, nil without it
	CDREvents bool        // of cdr_manager.conf

	AstLinux     bool   // it is AstLinux's: DIALING_PREFIX_NUMBERS is set, empty or not
	DialPrefixes string // as config.Dialproxy.Prefixes: "00~0~49~"

	Files []string // paths of every file that was read, for watching

	places map[string]config.Place // of "phones.100", "trunks.carrier", "ari.users.crm", "ami.users.crm"
}

// Directories are those of asterisk.conf, absolute or as written there.
type Directories struct {
	Etc    string // the directory that was read
	Spool  string // astspooldir
	Data   string // astdatadir: sounds, music
	VarLib string // astvarlibdir
	Log    string // astlogdir
	AGI    string // astagidir
	DB     string // astdbdir: astdb.sqlite3
}

// Load reads the directory. Files that are missing are left out; the error is
// that of a file which Asterisk would refuse as a whole (*conf.Error), or that
// there is no such directory.
func Load(dir string) (*Result, []Problem, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, nil, fmt.Errorf("asterisk configuration: %w", err)
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("asterisk configuration: %s is not a directory", dir)
	}
	return load(conf.Dir(dir), dir)
}

// load reads the directory dir through fsys.
func load(fsys fs.FS, dir string) (*Result, []Problem, error) {
	l := &loader{dir: dir, fsys: fsys, warned: map[Problem]bool{}, r: &Result{
		Phones: map[string]config.Phone{}, Trunks: map[string]config.Trunk{}, Endpoints: map[string]string{},
		Directories: Directories{Etc: dir}, places: map[string]config.Place{},
	}}
	// pjsip.conf before the older ones: of two that define a name, it counts.
	for _, f := range []struct {
		name string
		read func(*conf.File)
	}{
		{"asterisk.conf", l.asterisk},
		{"pjsip.conf", l.pjsip},
		{"sip.conf", l.sip},
		{"users.conf", l.users},
		{"http.conf", l.http},
		{"acl.conf", l.acl},
		{"websocket_client.conf", l.webSocketClients},
		{"ari.conf", l.ari},
		{"manager.conf", l.manager},
		{"cdr_manager.conf", l.cdrManager},
	} {
		file, err := l.file(f.name)
		if err != nil {
			return nil, l.problems, err
		}
		if file != nil {
			f.read(file)
		}
	}
	if l.exists("pjsip_wizard.conf") {
		l.warn(conf.Origin{File: "pjsip_wizard.conf"}, "is not read; write the objects that it stands for into pjsip.conf")
	}
	if l.exists("extensions.conf") {
		l.r.Dialplan = filepath.Join(dir, "extensions.conf")
	}
	l.astLinux()
	return l.r, l.problems, nil
}

// loader is one Load.
type loader struct {
	dir      string
	fsys     fs.FS
	r        *Result
	problems []Problem
	warned   map[Problem]bool // what several objects share is told once
	acls     map[string]*conf.Section
	clients  map[string]*options // of websocket_client.conf

	restriction *options // of http.conf, for all of ARI; nil = none
}

func (l *loader) warn(at conf.Origin, format string, args ...any) {
	p := Problem{Origin: at, Text: fmt.Sprintf(format, args...)}
	if !l.warned[p] {
		l.warned[p] = true
		l.problems = append(l.problems, p)
	}
}

func (l *loader) exists(name string) bool {
	info, err := fs.Stat(l.fsys, name)
	return err == nil && !info.IsDir()
}

// file reads one file, nil if there is none.
func (l *loader) file(name string) (*conf.File, error) {
	if !l.exists(name) {
		return nil, nil
	}
	file, problems, err := conf.Load(l.fsys, name)
	l.problems = append(l.problems, problems...)
	if err != nil {
		return nil, fmt.Errorf("asterisk configuration: %w", err)
	}
	for _, f := range file.Files {
		l.r.Files = append(l.r.Files, filepath.Join(l.dir, filepath.FromSlash(f)))
	}
	return file, nil
}

// addPhone takes a phone over, unless its name or password will not do.
func (l *loader) addPhone(name string, p config.Phone, at conf.Origin, endpoints ...string) {
	if !l.nameFits(name, at) {
		return
	}
	if p.Password == "" {
		l.warn(at, "%s has no password, and without one anybody could call in its name; it is left out", name)
		return
	}
	l.r.Phones[name] = p
	l.added("phones."+name, name, at, endpoints)
}

// addTrunk takes a trunk over, unless its name or address will not do.
func (l *loader) addTrunk(name string, t config.Trunk, at conf.Origin, endpoints ...string) {
	if !l.nameFits(name, at) {
		return
	}
	if t.Host == "" || strings.ContainsAny(t.Host, " /@;<>\t\r\n") {
		l.warn(at, "%s has no address to which calls could go (%q); it is left out", name, t.Host)
		return
	}
	if t.Port > 65535 {
		l.warn(at, "%s has the port %d, which is none; the usual one counts", name, t.Port)
		t.Port = 0
	}
	if t.Register && (t.User == "" || t.Password == "") {
		l.warn(at, "%s is to register, but user or password is missing; it does not", name)
		t.Register = false
	}
	if t.Context == "default" || t.Context == "internal" {
		l.warn(at, "calls that come in by %s run in [%s], whose phones may dial out by routes; the dialplan has to stop them", name, t.Context)
	}
	l.r.Trunks[name] = t
	l.added("trunks."+name, name, at, endpoints)
}

func (l *loader) added(key, name string, at conf.Origin, endpoints []string) {
	l.r.places[key] = config.Place{File: filepath.Join(l.dir, filepath.FromSlash(at.File)), Line: at.Line}
	for _, e := range endpoints {
		l.r.Endpoints["PJSIP/"+e] = name
		l.r.Endpoints["SIP/"+e] = name
	}
}

// nameFits says whether a phone or trunk may have a name (see config: validator.name).
func (l *loader) nameFits(name string, at conf.Origin) bool {
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/@;,<>"&:?=`, r)
	}) {
		l.warn(at, "%q cannot be the name of a phone or trunk here; it is left out", name)
		return false
	}
	for _, key := range []string{"phones." + name, "trunks." + name} {
		if p, ok := l.r.places[key]; ok {
			l.warn(at, "%s is already defined at %s:%d, which counts", name, p.File, p.Line)
			return false
		}
	}
	return true
}

// Merge adds to c what it does not define itself, and says where that comes
// from; it is a config.Import. A value of c that is the default counts as not defined.
func (r *Result) Merge(c *config.Config) map[string]config.Place {
	added := map[string]config.Place{}
	for name, p := range r.Phones {
		if key := "phones." + name; !defines(c, name) {
			if c.Phones == nil {
				c.Phones = map[string]config.Phone{}
			}
			c.Phones[name], added[key] = p, r.places[key]
		}
	}
	for name, t := range r.Trunks {
		if key := "trunks." + name; !defines(c, name) {
			if c.Trunks == nil {
				c.Trunks = map[string]config.Trunk{}
			}
			c.Trunks[name], added[key] = t, r.places[key]
		}
	}
	r.mergeAliases(c)
	r.mergeServer(c)
	r.mergeHTTP(c)
	r.mergeARI(c, added)
	r.mergeAMI(c, added)
	r.mergeDialproxy(c)
	return added
}

// defines says whether c has a phone or trunk of a name.
func defines(c *config.Config, name string) bool {
	_, phone := c.Phones[name]
	_, trunk := c.Trunks[name]
	return phone || trunk
}

// mergeAliases adds the dial strings that do not have the name of what they mean.
func (r *Result) mergeAliases(c *config.Config) {
	for dial, name := range r.Endpoints {
		_, own, _ := strings.Cut(dial, "/")
		if _, ok := c.Dialplan.Aliases[dial]; ok || own == name || defines(c, own) || !defines(c, name) {
			continue
		}
		if c.Dialplan.Aliases == nil {
			c.Dialplan.Aliases = map[string]string{}
		}
		c.Dialplan.Aliases[dial] = name
	}
}

func (r *Result) mergeServer(c *config.Config) {
	d := config.Default()
	if len(r.Listen) > 0 && slices.Equal(c.SIP.Listen, d.SIP.Listen) {
		c.SIP.Listen = r.Listen
	}
	if c.SIP.TLSCert == "" && c.SIP.TLSKey == "" {
		c.SIP.TLSCert, c.SIP.TLSKey = r.TLSCert, r.TLSKey
	}
	for _, v := range []struct {
		to             *string
		from, default_ string
	}{
		{&c.SIP.Advertise, r.Advertise, ""},
		{&c.Media.Advertise, r.MediaAdvertise, ""},
		{&c.SIP.Domain, r.Domain, d.SIP.Domain},
		{&c.SIP.UserAgent, r.UserAgent, d.SIP.UserAgent},
		{&c.Server.Node, r.SystemName, ""},
		{&c.Dialplan.File, r.Dialplan, ""},
		{&c.Dialplan.ConfDir, r.Directories.Etc, ""},
		{&c.Dialplan.SpoolDir, r.Directories.Spool, ""},
		{&c.Dialplan.AGIDir, r.Directories.AGI, ""},
		{&c.Media.Sounds, r.sounds(), ""},
	} {
		if *v.to == v.default_ && v.from != "" {
			*v.to = v.from
		}
	}
}

// sounds gives the directory of sound files, "" if there is none.
func (r *Result) sounds() string {
	for _, dir := range []string{r.Directories.Data, r.Directories.VarLib} {
		if dir == "" {
			continue
		}
		sounds := filepath.Join(dir, "sounds")
		if info, err := os.Stat(sounds); err == nil && info.IsDir() {
			return sounds
		}
	}
	return ""
}
