package app

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/originate"
)

// setup is rest.Setup: what to do next, read from what is there.
type setup struct{ a *App }

// Setup is rest.Setup.
func (u setup) Setup(ctx context.Context) ([]rest.SetupStep, error) {
	a := u.a
	states, err := a.engine.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	calls, _, err := a.originator.List(ctx, originate.Filter{Limit: 1})
	if err != nil {
		return nil, refusal(err)
	}
	keyList, err := a.keyBook.List(ctx)
	if err != nil {
		return nil, err
	}
	inForce := 0
	for _, k := range keyList {
		if k.RevokedAt.IsZero() {
			inForce++
		}
	}
	s := a.site()
	return []rest.SetupStep{
		a.stepPhones(s), a.stepRegister(s, states), stepCall(s, len(calls) > 0), a.stepUsers(s),
		a.stepHTTPS(), a.stepTrunk(states), a.stepRoute(), stepKeys(inForce),
	}, nil
}

// where says in which file a table is to be written.
func (a *App) where() string {
	if a.o.Path == "" {
		return "dialwright.toml, and start the server with --config dialwright.toml"
	}
	if a.Config().Server.Watch {
		return a.o.Path + "; it is read as soon as it is saved"
	}
	return a.o.Path + ", then run `dialwright config reload`"
}

// newPhone gives an extension that no phone has.
func (s site) newPhone() string {
	for n := 101; ; n++ {
		if _, taken := s.c.Phones[strconv.Itoa(n)]; !taken {
			return strconv.Itoa(n)
		}
	}
}

func phoneTOML(name string) string {
	return "[phones." + name + "]\npassword = \"CHOOSE-A-LONG-ONE\"\n"
}

// inPhone says what is entered in a phone so that it registers.
func (s site) inPhone(name string) string {
	host, port := s.sip, ""
	if i := strings.LastIndexByte(s.sip, ':'); i >= 0 {
		host, port = s.sip[:i], s.sip[i+1:]
	}
	return "Server: " + cmp.Or(s.c.SIP.Domain, host) + "\nPort: " + port + "\nUser: " + name + "\nPassword: the one in [phones." + name + "]\n"
}

func (a *App) stepPhones(s site) rest.SetupStep {
	out := rest.SetupStep{ID: "phones", Title: "Add phones", Link: "#/phones", Done: len(s.c.Phones) > 0}
	if out.Done {
		out.Text = fmt.Sprintf("There are %d.", len(s.c.Phones))
		return out
	}
	out.Text = "There is no phone yet. Add this to " + a.where() + "."
	out.Command = phoneTOML("101") + "\n" + phoneTOML("102")
	return out
}

// registerHint says how a phone registers, in a sentence.
func (a *App) registerHint(name string) string {
	s := a.site()
	return "In the phone, enter " + s.sip + " as server, " + name + " as user, and the password of [phones." + name + "] in the configuration."
}

// stepRegister names phones that have never come. It is done when none is missing.
func (a *App) stepRegister(s site, states []call.EndpointState) rest.SetupStep {
	out := rest.SetupStep{ID: "register", Title: "Register the phones", Link: "#/phones"}
	var missing []string
	failed := ""
	for _, e := range states {
		if e.Kind == "phone" && !e.Registered {
			missing = append(missing, e.Name)
			failed = cmp.Or(failed, e.LastError)
		}
	}
	slices.Sort(missing)
	switch {
	case len(s.c.Phones) == 0:
		out.Text = "First a phone is needed."
	case len(missing) == 0:
		out.Done, out.Text = true, "All are registered."
	default:
		out.Text = "Not registered: " + some(missing) + ". Enter this in the phone."
		if failed != "" {
			out.Text += " What went wrong last: " + failed + "."
		}
		out.Command = s.inPhone(missing[0])
		if at, err := netip.ParseAddrPort(s.sip); err == nil && at.Addr().IsLoopback() {
			out.Text += " The server listens to this machine only; let sip.listen name an address of the network, such as \"udp:0.0.0.0:5060\"."
		}
	}
	return out
}

// some writes a list that may be long.
func some(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

func stepCall(s site, done bool) rest.SetupStep {
	out := rest.SetupStep{ID: "call", Title: "Place a first call", Link: "#/dial", Done: done, Text: "Calls have been placed."}
	if !done {
		out.Text = "Rings the first phone, and connects it with the second when it answers."
		out.Command = "dialwright call " + s.phone + " " + s.other
	}
	return out
}

func (a *App) stepUsers(s site) rest.SetupStep {
	out := rest.SetupStep{ID: "users", Title: "Let people log in", Link: "#/links"}
	admin, others := false, 0
	for _, u := range a.people.Users() {
		if u.Disabled || !u.HasPassword || u.Role == directory.RoleMinter {
			continue
		}
		others++
		admin = admin || u.Role == directory.RoleAdmin
	}
	switch {
	case admin:
		out.Done, out.Text = true, fmt.Sprintf("%d may log in.", others)
	case others > 0:
		out.Text = "People may log in, but no administrator. Make one; the command asks for a password."
		out.Command = "dialwright user add admin --role admin --password"
	default:
		out.Text = "Nobody may log in with a password yet. Make an administrator and a user for a phone; the command asks for a password."
		out.Command = "dialwright user add admin --role admin --password\ndialwright user add " + s.phone + " --password"
	}
	return out
}

// stepHTTPS is about browsers of other machines: they lend microphones to pages by HTTPS only.
func (a *App) stepHTTPS() rest.SetupStep {
	out := rest.SetupStep{ID: "https", Title: "Serve HTTPS"}
	c := a.Config()
	switch {
	case c.HTTP.TLSCert != "":
		out.Done, out.Text = true, "The HTTP listener serves HTTPS."
	case strings.HasPrefix(c.Console.BaseURL, "https://"):
		out.Done, out.Text = true, "Browsers come by "+c.Console.BaseURL+"."
	case a.httpAddr == nil:
		out.Text = "The HTTP listener is switched off: there is neither a console nor a REST API. Set http.listen in " + a.where() + "."
		out.Command = "[http]\nlisten = \"127.0.0.1:8088\"\n"
	default:
		at, err := netip.ParseAddrPort(a.httpAddr.String())
		if err == nil && at.Addr().IsLoopback() {
			out.Done, out.Text = true, "Only this machine reaches the console, which needs no HTTPS."
			break
		}
		out.Text = "Browsers of other machines log in by HTTPS only, and lend their microphone to no other page. Add a certificate to " + a.where() + ", and start the server again. Behind a proxy that serves HTTPS, set console.base_url instead."
		out.Command = "[http]\ntls_cert = \"/etc/dialwright/cert.pem\"\ntls_key = \"/etc/dialwright/key.pem\"\n"
	}
	return out
}

func (a *App) stepTrunk(states []call.EndpointState) rest.SetupStep {
	out := rest.SetupStep{ID: "trunk", Title: "Add a trunk to call numbers outside", Link: "#/phones"}
	c := a.Config()
	if len(c.Trunks) == 0 {
		out.Text = "There is no trunk, so only phones of this server can be called. Add the provider's to " + a.where() + "."
		out.Command = "[trunks.carrier]\nhost = \"sip.provider.example\"\nuser = \"USER\"\npassword = \"PASSWORD\"\nregister = true\n"
		return out
	}
	for _, e := range states {
		if t, ok := c.Trunks[e.Name]; ok && e.Kind == "trunk" && (e.State == "unavailable" || t.Register && !e.Registered) {
			out.Text = "The trunk " + e.Name + " cannot be used now. Test it on the page of phones and trunks."
			if e.LastError != "" {
				out.Text += " What went wrong last: " + e.LastError + "."
			}
			return out
		}
	}
	out.Done, out.Text = true, fmt.Sprintf("There are %d.", len(c.Trunks))
	return out
}

func (a *App) stepRoute() rest.SetupStep {
	out := rest.SetupStep{ID: "route", Title: "Let numbers leave by the trunk"}
	c := a.Config()
	switch {
	case len(c.Routes) > 0:
		out.Done, out.Text = true, fmt.Sprintf("There are %d routes.", len(c.Routes))
	case len(c.Trunks) == 0:
		out.Text = "First a trunk is needed."
	default:
		out.Text = "No number leaves by a trunk yet. Add a route to " + a.where() + "; this one takes every number that is no phone."
		out.Command = "[[routes]]\nname = \"all\"\ntrunk = \"" + first(c.Trunks, "carrier") + "\"\n"
	}
	return out
}

func stepKeys(n int) rest.SetupStep {
	out := rest.SetupStep{ID: "keys", Title: "Make a key for programs", Link: "#/links", Done: n > 0, Text: fmt.Sprintf("There are %d in force.", n)}
	if n == 0 {
		out.Text = "A program that uses the REST API needs a key. It is shown once."
		out.Command = "dialwright key create crm --scope calls:write,calls:read"
	}
	return out
}
