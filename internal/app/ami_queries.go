package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/dialplan/apps"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/door/ami"
	"github.com/dialwright/dialwright/internal/door/cli"
	"github.com/dialwright/dialwright/internal/hint"
)

// startHints begins to follow the hints of the dialplan, for AMI and the command line.
func (a *App) startHints(ctx context.Context) error {
	a.hints = hint.New(hint.Options{
		Plan: a.machine.Plan, Devices: a.devices, Switch: a.pbx, Log: a.log,
		Global: func(name string) string {
			v, _ := a.machine.Global(name)
			return v
		},
	})
	a.stack.push("hints", a.hints.Stop)
	return a.hints.Start(ctx)
}

// amiReload loads the configuration for a user of AMI. What has none of its own, an
// application, says so.
func (a *App) amiReload(ctx context.Context, module string) (known bool, err error) {
	if known, err = (cliServer{a}).Reload(ctx, module); known {
		return known, err
	}
	name, ok := strings.CutPrefix(strings.TrimSuffix(strings.ToLower(module), ".so"), "app_")
	if ok && slices.ContainsFunc(apps.All(), func(x run.App) bool { return strings.EqualFold(x.Name, name) }) {
		return true, ami.ErrNotReloadable
	}
	return false, nil
}

// Count implements door/ami.Mailboxes.
func (m mailboxes) Count(ctx context.Context, name string) (fresh, old int, err error) {
	b, _, err := m.Get(ctx, name)
	return b.NewMessages, b.OldMessages, err
}

// amiContacts is door/ami.Contacts.
type amiContacts struct{ a *App }

// Endpoints implements door/ami.Contacts.
func (c amiContacts) Endpoints() []ami.Endpoint {
	conf := c.a.Config()
	var out []ami.Endpoint
	for _, e := range cliPhones(c).Endpoints() {
		trunk, isTrunk := conf.Trunks[e.Name]
		own := ami.Endpoint{
			Name: e.Name, State: e.State, Channels: e.Channels, Context: e.Context, CallerID: conf.Phones[e.Name].CallerID,
			Codecs: asteriskCodecs(e.Codecs), Transport: e.Transport, Bind: e.Bind, Auth: e.Auth, OutboundAuth: e.OutAuth, MaxContacts: e.MaxContacts,
		}
		if isTrunk {
			own.Match = trunk.Match
		}
		for _, x := range e.Contacts {
			own.Contacts = append(own.Contacts, amiContact(x, isTrunk))
		}
		out = append(out, own)
	}
	return out
}

// amiContact translates a contact. That of a trunk is configured and does not expire.
func amiContact(x cli.Contact, trunk bool) ami.Contact {
	out := ami.Contact{AOR: x.AOR, URI: x.URI, RTT: x.RTT, Expires: x.Expires, UserAgent: x.UserAgent}
	if trunk {
		out.Expires = time.Time{}
	}
	switch x.Status {
	case "Avail":
		out.Status = "Reachable"
	case "Unavail":
		out.Status = "Unreachable"
	default:
		out.Status = "NonQualified"
	}
	return out
}

// asteriskCodecs gives Asterisk's names of the codecs of a phone or trunk; none are the
// first three.
func asteriskCodecs(list []string) []string {
	if len(list) == 0 {
		list = []string{"g722", "pcmu", "pcma"}
	}
	out := make([]string, len(list))
	for i, name := range list {
		switch strings.ToLower(name) {
		case "pcmu":
			name = "ulaw"
		case "pcma":
			name = "alaw"
		}
		out[i] = strings.ToLower(name)
	}
	return out
}

// Registrations implements door/ami.Contacts.
func (c amiContacts) Registrations() []ami.Registration {
	trunks := c.a.Config().Trunks
	var out []ami.Registration
	for _, r := range cliPhones(c).Registrations() {
		trunk := trunks[r.Name]
		out = append(out, ami.Registration{
			Name: r.Name, ServerURI: r.ServerURI, ClientURI: "sip:" + trunk.User + "@" + trunk.Host, Status: r.Status, Next: r.Next,
			Endpoint: r.Name, Transport: trunk.Transport, Expiration: registrationTime(&trunk),
		})
	}
	return out
}

// registrationTime is how long our registration at a trunk is to last.
func registrationTime(t *config.Trunk) time.Duration {
	if t.Expires.Duration > 0 {
		return t.Expires.Duration
	}
	return 5 * time.Minute
}
