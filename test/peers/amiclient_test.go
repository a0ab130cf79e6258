package peers

import (
	"slices"
	"strings"
	"testing"

	"github.com/dialwright/dialwright/test/amitrace"
	"github.com/dialwright/dialwright/test/harness"
	"github.com/dialwright/dialwright/test/node"
)

// amiDesk is a server with the phones of the captured traces, and the clients.
type amiDesk struct {
	t   *testing.T
	lab amitrace.Lab
	srv *harness.Server
}

// newAMIDesk starts them for one scenario, which both clients run, one after the other.
func newAMIDesk(t *testing.T) *amiDesk {
	t.Helper()
	t.Parallel()
	for _, client := range node.AMIClients {
		node.RequireModule(t, client)
	}
	lab := amitrace.NewLab(t)
	d := &amiDesk{t: t, lab: lab}
	d.srv = harness.StartAsterisk(t, lab.WriteOurs(t, t.TempDir()), lab.SIP, lab.Ours())
	lab.Register(t)
	lab.StartPhones(t)
	return d
}

// run runs a scenario with each of the clients and hands what it was told to check.
func (d *amiDesk) run(name string, check func(t *testing.T, got []amitrace.Packet)) {
	d.t.Helper()
	for _, client := range node.AMIClients {
		d.t.Run(client, func(t *testing.T) {
			check(t, node.StartAMI(t, d.lab.Target(), client, name).WaitAMI().Received())
		})
	}
}

// told checks that these events came in this order: name, and the values of some headers
// that name whom it is about and what happened; others may come between them.
func told(t *testing.T, got []amitrace.Packet, want ...string) {
	t.Helper()
	rest := want
	var all []string
	for _, p := range got {
		if !p.Has("Event") {
			continue
		}
		words := []string{p.Get("Event")}
		for _, k := range []string{"Uniqueid", "DestUniqueid", "ChannelStateDesc", "DialStatus", "Response", "Reason", "Cause"} {
			if v := p.Get(k); v != "" && (k != "ChannelStateDesc" || words[0] == "Newstate") {
				words = append(words, v)
			}
		}
		all = append(all, strings.Join(words, " "))
		if len(rest) > 0 && all[len(all)-1] == rest[0] {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("event %q did not come, or not in its turn, in:\n%s", rest[0], strings.Join(all, "\n"))
	}
}

// A click: both legs are followed by their events, the call is shown, and hung up. It leaves
// a record.
func TestAMIClientCall(t *testing.T) {
	d := newAMIDesk(t)
	d.run("amicall", func(t *testing.T, got []amitrace.Packet) {
		told(t, got, "Newchannel call-1", "DialBegin call-1", "Newstate call-1 Ringing", "DialState call-1 RINGING", "Newstate call-1 Up",
			"DialEnd call-1 ANSWER", "OriginateResponse call-1 Success 4", "BridgeEnter call-1", "BridgeLeave call-1", "Hangup call-1 16")
	})
	if out := d.srv.CLI("records", "--door", "ami"); out.Code != 0 || strings.Count(out.Stdout, "ANSWERED") < len(node.AMIClients) {
		t.Errorf("records of the calls: %+v", out)
	}
}

// The answer of a synchronous Originate waits for the phone; its events come after it.
func TestAMIClientSync(t *testing.T) {
	newAMIDesk(t).run("amisync", func(t *testing.T, got []amitrace.Packet) {
		told(t, got, "Newchannel sync-1", "DialEnd sync-1 ANSWER", "Hangup sync-1 0", "DialEnd busy BUSY", "Hangup busy 17", "Hangup silent 19", "Hangup declined 21")
		i := slices.IndexFunc(got, func(p amitrace.Packet) bool { return p.Get("ActionID") == "originate-1" })
		j := slices.IndexFunc(got, func(p amitrace.Packet) bool { return p.Get("Uniqueid") == "sync-1" })
		if i < 0 || j < i {
			t.Errorf("the answer is packet %d, the first event of its channel packet %d", i, j)
		}
	})
}

// An Originate that comes to nothing says why; one that cannot be is refused at once.
func TestAMIClientRefused(t *testing.T) {
	newAMIDesk(t).run("amirefused", func(t *testing.T, got []amitrace.Packet) {
		told(t, got, "DialEnd busy BUSY", "Hangup busy 17", "OriginateResponse busy Failure 5", "Hangup silent 19", "OriginateResponse silent Failure 3",
			"OriginateResponse <unknown> Failure 0", "OriginateResponse <unknown> Failure 0", "Newstate stopped Ringing", "OriginateResponse stopped Failure 0")
	})
}

// Variables in every form, ids, an account; early media counts as an answer.
func TestAMIClientOptions(t *testing.T) {
	newAMIDesk(t).run("amioptions", func(t *testing.T, got []amitrace.Packet) {
		told(t, got, "Newchannel chosen", "OriginateResponse chosen Success 4", "Hangup chosen 0",
			"Newchannel early", "DialState early PROGRESS", "Newstate early Up", "DialEnd early ANSWER", "OriginateResponse early Success 4", "Hangup early 0")
		account := slices.ContainsFunc(got, func(p amitrace.Packet) bool {
			return p.Get("Uniqueid") == "chosen" && p.Get("AccountCode") == "sales"
		})
		if !account {
			t.Error("no event of the channel has its account")
		}
	})
}

// What programs ask beside calls, and events of their own.
func TestAMIClientQueries(t *testing.T) {
	newAMIDesk(t).run("amiqueries", func(t *testing.T, got []amitrace.Packet) {
		told(t, got, "DBGetResponse", "DBGetComplete", "DBGetTreeResponse", "DBGetTreeResponse", "DBGetTreeComplete",
			"CoreShowChannelsComplete", "StatusComplete", "UserEvent", "UserEvent")
	})
}

// A wrong secret is refused after a pause; connections are kept alive and ended.
func TestAMIClientLogin(t *testing.T) {
	d := newAMIDesk(t)
	d.run("amilogin", func(t *testing.T, got []amitrace.Packet) { told(t, got, "UserEvent") })
	if !d.srv.Log.Has("login failed", amitrace.User, "remote") {
		t.Error("the log does not tell of the login that failed")
	}
}
