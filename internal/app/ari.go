package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/funcs"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/ari"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/prompts"
	"github.com/dialwright/dialwright/internal/sip"
	"github.com/dialwright/dialwright/internal/stasis"
)

// asteriskVersion is the Asterisk that clients take us for; apps and funcs say the
// same (VERSION()).
const asteriskVersion = "22.10.1"

// newHub makes the registry of remote-control applications. The door fills in how
// an application is reached that nobody has connected.
func (a *App) newHub() {
	c := a.Config()
	a.hub = stasis.New(stasis.Options{
		Switch: a.pbx, Log: a.log, Resume: a.resume,
		EndpointExists: func(tech, resource string) bool {
			if resource == "" { // all of a technology
				return slices.ContainsFunc(a.pbx.Technologies(), func(t pbx.Technology) bool { return strings.EqualFold(t.Name(), tech) })
			}
			_, ok := a.devices.Find(tech, resource)
			return ok
		},
		Endpoint: func(tech, resource string) (*pbx.EndpointSnapshot, bool) {
			e, ok := a.devices.Find(tech, resource)
			return &e, ok
		},
		Journal: c.ARI.Journal, Grace: c.ARI.Grace.Duration,
		PerCall: func(ctx context.Context, ch *pbx.Channel, app string) (string, func(), bool) {
			if a.ari == nil {
				return "", nil, false
			}
			return a.ari.PerCall(ctx, ch, app)
		},
		HasPerCall: func(app string) bool { return a.ari != nil && a.ari.HasPerCall(app) },
	})
	a.stack.push("applications", func(context.Context) error {
		a.hub.Stop()
		return nil
	})
}

// resume gives the handler with which a channel that an application lets go goes on in
// the dialplan.
func (a *App) resume(c *pbx.Channel, at stasis.Position) (pbx.Handler, error) {
	t := call.Then{Kind: call.ThenDialplan, Context: at.Context, Extension: at.Exten, Priority: at.Label}
	if at.Label == "" {
		t.Priority = fmt.Sprint(max(at.Priority, 1))
	} else if plan := a.machine.Plan(); plan.Label(at.Context, at.Exten, at.Label, dialplan.Caller{Number: c.Snapshot().Caller.Number}) == 0 {
		return nil, stasis.ErrLabel
	}
	h, err := runner{a, a.machine.Runner()}.Runner(t)
	if errors.Is(err, pbx.ErrBuiltIn) { // a context of the built-in routing
		return pbx.NewRouted(a.pbx, at.Context, at.Exten), nil
	}
	if h == nil {
		return nil, err
	}
	return h, nil // a place that is not there ends as the dialplan's rules say: i, e, or a hangup
}

// ariConfig translates the section [ari]; the configuration has been checked.
func ariConfig(c *config.Config) (*ari.Config, error) {
	out := &ari.Config{
		Prefix: c.ARI.Prefix, Realm: c.ARI.Realm, Pretty: c.ARI.Pretty, AllowedOrigins: c.ARI.AllowedOrigins,
		ChannelVars: c.ARI.ChannelVars, WriteTimeout: c.ARI.WriteTimeout.Duration,
	}
	for _, name := range slices.Sorted(maps.Keys(c.ARI.Users)) {
		u := c.ARI.Users[name]
		permit, err := networks(u.Permit)
		if err != nil {
			return nil, fmt.Errorf("ari.users.%s.permit: %w", name, err)
		}
		deny, err := networks(u.Deny)
		if err != nil {
			return nil, fmt.Errorf("ari.users.%s.deny: %w", name, err)
		}
		out.Users = append(out.Users, ari.User{
			Name: name, Password: u.Password, Format: u.PasswordFormat, ReadOnly: u.ReadOnly, Permit: permit, Deny: deny, Account: call.AccountID(u.Account),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(c.ARI.Outbound)) {
		o := c.ARI.Outbound[name]
		out.Outbound = append(out.Outbound, ari.Outbound{
			Name: name, URI: o.URI, Protocols: o.Protocols, Username: o.Username, Password: o.Password, Apps: o.Apps, SubscribeAll: o.SubscribeAll,
			LocalUser: o.LocalUser, PerCall: o.PerCall, Timeout: o.Timeout.Duration, Reconnect: o.Reconnect.Duration, Attempts: o.Attempts,
			Insecure: o.Insecure, CAFile: o.CAFile, CertFile: o.CertFile, KeyFile: o.KeyFile,
		})
	}
	return out, nil
}

func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := config.ParseNetwork(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// mediaClients lists the WebSocket servers that external media may be sent to by name.
func mediaClients(c *ari.Config) map[string]extmedia.Client {
	out := map[string]extmedia.Client{}
	for _, o := range c.Outbound {
		out[o.Name] = extmedia.Client{URI: o.URI, Username: o.Username, Password: o.Password, Timeout: o.Timeout}
	}
	return out
}

// useARI puts a configuration in force.
func (a *App) useARI(c *ari.Config) {
	a.ariConfig.Store(c)
	a.extmedia.SetClients(mediaClients(c))
	if a.ari != nil {
		a.ari.Reload()
	}
}

// lastReload is when the configuration was last loaded.
func (a *App) lastReload() time.Time {
	if t := a.reloadedAt.Load(); t != nil {
		return *t
	}
	return a.started
}

// reloadForARI loads the configuration because an application asks for it.
func (a *App) reloadForARI(ctx context.Context) error {
	_, err := a.Reload(ctx)
	return err
}

// soundList lists what can be played.
func (a *App) soundList() ari.Sounds {
	var files fs.FS
	if root, err := os.OpenRoot(a.soundsDir()); err == nil {
		a.stack.push("list of sounds", func(context.Context) error { return root.Close() })
		files = root.FS()
	}
	return ari.NewSounds(ari.SoundOptions{Files: files, Builtin: prompts.FS(), Tones: pbx.BuiltinSounds(), Log: a.log})
}

// textMessage gives a text from a phone to the applications that listen to it.
func (a *App) textMessage(m sip.TextMessage) int {
	vars := map[string]string{}
	for _, h := range m.Headers {
		vars[h.Name] = h.Value
	}
	if !a.hub.Listening("PJSIP", m.Endpoint) {
		return http.StatusNotFound
	}
	e := pbx.Event{Type: stasis.TextMessage, Data: &stasis.Message{
		From: m.From, To: m.To, Body: m.Body, Variables: vars, Technology: "PJSIP", Resource: m.Endpoint,
	}}
	if sender, ok := a.devices.Find("PJSIP", m.Endpoint); ok {
		e.Endpoint = &sender
	}
	a.pbx.Tell(e)
	return http.StatusAccepted
}

// startARI opens the door of the Asterisk REST Interface.
func (a *App) startARI(ctx context.Context) error {
	c := a.Config()
	if !c.ARI.Enabled {
		return nil
	}
	var err error
	a.ari, err = ari.New(ari.Options{
		Switch: a.pbx, Hub: a.hub, Log: a.log, Config: a.ariConfig.Load, Dial: ariDialler{a},
		Devices: a.devices, Phones: ariPhones{a, make(chan struct{}, textsAtOnce)}, Mailboxes: mailboxes{a.store}, Globals: globals{a},
		Sounds: a.soundList(), Snoop: a.snoop, Media: a.extmedia, Recordings: a.recordings,
		Version: asteriskVersion, EntityID: entityID(a.node()), Started: a.started,
		Reloaded: a.lastReload, Reload: a.reloadForARI, Language: "en", Busy: a.busy,
		MaxSockets: a.budget.Streams,
	})
	if err != nil {
		return err
	}
	a.stack.push("ari", a.ari.Stop)
	return a.ari.Start(ctx)
}

// webHandler shares out the paths of the HTTP listener.
func (a *App) webHandler() http.Handler {
	prefix := a.ariConfig.Load().Prefix
	manager := map[string]bool{}
	if c := a.amiConfig.Load(); a.ami != nil && c.Web {
		for _, path := range ami.WebPaths(c.WebPrefix) {
			manager[path] = true
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case manager[path]:
			a.ami.ServeHTTP(w, r)
		case a.ari == nil:
			a.rest.ServeHTTP(w, r)
		case path == prefix+"/ari" || strings.HasPrefix(path, prefix+"/ari/"):
			a.ari.ServeHTTP(w, r)
		case strings.HasPrefix(path, prefix+"/media/"):
			a.extmedia.ServeHTTP(w, r)
		default:
			a.rest.ServeHTTP(w, r)
		}
	})
}

// busy says why no application may make a channel now.
func (a *App) busy() string {
	most := a.budget.MaxLive * 2 // legs of as many calls
	if n := a.pbx.Stats().Channels; n >= most {
		return fmt.Sprintf("%d channels are in use, the most that this server takes", n)
	}
	return ""
}

// entityID makes the name of this server that looks like a MAC address, as Asterisk's
// asterisk_id does: the same for a node each time, locally administered.
func entityID(node string) string {
	h := [5]byte{}
	for i, b := range []byte(node) {
		h[i%5] = h[i%5]*31 + b
	}
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", h[0], h[1], h[2], h[3], h[4])
}

// openRecordings opens the directory of what applications record.
func (a *App) openRecordings() error {
	dir := filepath.Join(a.spoolDir(), "recording")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	a.recordings = root
	a.stack.push("recordings", func(context.Context) error { return root.Close() })
	return nil
}

// ariDialler is door/ari.Dialler.
type ariDialler struct{ a *App }

// asker says who asks.
func (d ariDialler) asker(ask ari.Ask) asker {
	who := asker{a: d.a, door: "ari", principal: "ari", remote: ask.Remote, account: d.a.DefaultAccount()}
	if ask.User != nil {
		who.principal = "ari:" + ask.User.Name
		who.account = cmp.Or(ask.User.Account, who.account)
	}
	return who
}

func (d ariDialler) Dial(ctx context.Context, ask ari.Ask) (call.Endpoint, call.AccountID, error) {
	return d.asker(ask).dial(ctx, ask.Endpoint, ask.CallerID)
}

func (d ariDialler) Media(ctx context.Context, ask ari.Ask) (call.AccountID, error) {
	return d.asker(ask).media(ctx)
}

func (d ariDialler) Caller(account call.AccountID, asked call.CallerID) call.CallerID {
	return d.a.callerFor(account, asked)
}

func (d ariDialler) Dialplan(ctx context.Context, ask ari.Ask, context string) error {
	return d.asker(ask).dialplan(ctx, context)
}

func (d ariDialler) Record(c *pbx.Channel, ask ari.Ask) {
	d.asker(ask).record(c, ask.Endpoint, ask.CallerID)
}

// globals are the dialplan's global variables for remote control.
type globals struct{ a *App }

// Global implements door/ari.Globals: a variable, or a function that needs no channel.
func (g globals) Global(_ context.Context, name string) string {
	if !strings.ContainsAny(name, "(}") {
		v, _ := g.a.machine.Global(name)
		return v
	}
	return run.ExpandAtLoad(funcs.All(), allowed(g.a.Config())&^(run.Commands|run.Files))("${"+name+"}", g.a.machine.Globals())
}

// SetGlobal implements Globals of the doors. A function is written if that needs no channel;
// what cannot be written is told to nobody but the log, as in Asterisk (observed:
// Asterisk 22.10).
func (g globals) SetGlobal(ctx context.Context, name, value string) error {
	if global, ok := strings.CutPrefix(name, "GLOBAL("); ok && strings.HasSuffix(global, ")") {
		name = strings.TrimSuffix(global, ")")
	}
	if function, err := g.a.machine.WriteCommon(ctx, name, value); function {
		if err != nil {
			g.a.log.WarnContext(ctx, "function not written", "function", name, "error", err)
		}
		return nil
	}
	g.a.machine.SetGlobal(name, value)
	return nil
}

// ariPhones reach phones beside calls. Asterisk answers before the phone does, so a text
// is on its way when the request is: what cannot be reached is refused at once.
type ariPhones struct {
	a     *App
	slots chan struct{} // one for each that waits for its answer
}

// How long a phone may take to answer, and how many texts may wait for it.
const (
	textPatience = 40 * time.Second
	textsAtOnce  = 64
)

// Message implements door/ari.Phones.
func (p ariPhones) Message(ctx context.Context, from, to, body string, vars map[string]string) error {
	if err := p.ours(to); err != nil {
		return err
	}
	return p.send(ctx, to, func(ctx context.Context) error { return p.a.sip.Message(ctx, to, from, body, headers(vars)) })
}

// Refer implements door/ari.Phones. It makes a phone call somebody: the guard is asked
// for both as if they were dialled.
func (p ariPhones) Refer(ctx context.Context, from, to, referTo string, toSelf bool, vars map[string]string) error {
	for _, dial := range []string{to, referTo} {
		if err := p.ours(dial); err != nil {
			return err
		}
		if strings.Contains(dial, "sip:") {
			continue
		}
		ep, _, err := ariDialler{p.a}.Dial(ctx, ari.Ask{Endpoint: "PJSIP/" + bare(dial)})
		if err != nil {
			return fmt.Errorf("%s: %w", ep, err)
		}
	}
	return p.send(ctx, to, func(ctx context.Context) error { return p.a.sip.Refer(ctx, to, from, referTo, toSelf, headers(vars)) })
}

// bare takes the scheme from "pjsip:101" and "PJSIP/101".
func bare(to string) string {
	if len(to) > 6 && strings.EqualFold(to[:5], "pjsip") && (to[5] == ':' || to[5] == '/') {
		return to[6:]
	}
	return to
}

// ours refuses addresses of strangers: nobody's account would answer for what is sent
// there.
func (p ariPhones) ours(to string) error {
	uri, ok := strings.CutPrefix(bare(to), "sip:")
	if !ok {
		return nil
	}
	_, host, _ := strings.Cut(uri, "@")
	if host, _, _ = strings.Cut(host, ";"); host == p.a.Config().SIP.Domain {
		return nil
	}
	return &call.Failure{
		Disposition: call.Failed, Cause: int(cause.OutgoingBarred), Permanent: true,
		Text: fmt.Sprintf("%s is no address of ours; name a phone or a trunk: pjsip:101, pjsip:carrier/%s", to, bare(to)),
	}
}

// send starts f once it is known that somebody can be reached.
func (p ariPhones) send(ctx context.Context, to string, f func(context.Context) error) error {
	if err := p.a.sip.CanReach(to); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
	default:
		return fmt.Errorf("%d texts wait for an answer already; try again later", textsAtOnce)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), textPatience) // longer than the request
	go func() {
		defer func() { <-p.slots }()
		defer cancel()
		if err := f(ctx); err != nil {
			p.a.log.InfoContext(ctx, "text or transfer not taken", "to", to, "error", err)
		}
	}()
	return nil
}

// headers gives variables as headers of a message, in the order of their names.
func headers(vars map[string]string) []pbx.Header {
	var out []pbx.Header
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, pbx.Header{Name: k, Value: vars[k]})
	}
	return out
}
