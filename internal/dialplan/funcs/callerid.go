package funcs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/dialplan"
	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/pbx"
)

// parties lists the functions that tell who calls whom.
func parties() []run.Func {
	return []run.Func{
		{Name: "CALLERID", Read: readCallerID, Write: writeCallerID},
		{Name: "CONNECTEDLINE", Read: readConnected, Write: writeConnected},
		{Name: "REDIRECTING", Read: readRedirecting, Write: writeRedirecting},
	}
}

// identities are what a channel's parties are beyond the snapshot: finer
// presentations, and whom the switch itself does not ask for.
type identities struct {
	mu        sync.Mutex // guards the fields below
	caller    party
	connected party
	held      *call.CallerID // connected line that is not to be told yet (option i)
	ani       *party         // nil: the caller
	ani2      int
	dnid      *string // nil: as dialled
	redirect  *redirecting
}

func identitiesOf(x *run.Exec) *identities {
	return x.Value("identities", func() any { return new(identities) }).(*identities)
}

// readCallerID is CALLERID(field[,cid]); with cid that text is read instead
// (spec: dialplan 6.1 CALLERID).
func readCallerID(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("CALLERID needs the name of a field")
	}
	if len(a) > 1 {
		var p party
		p.name, p.number = splitParty(strings.Join(a[1:], ","))
		switch main, sub := partyField(a[0]); {
		case sub == "" && (main == "all" || main == "name" || main == "num"):
			return p.read(a[0])
		}
		return "", errField(a[0])
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	id.caller.take(x.Channel().Snapshot().Caller)
	switch main, sub := partyField(a[0]); main {
	case "rdnis":
		return redirectOf(x, id).from.number, nil
	case "dnid":
		if sub != "" && !strings.HasPrefix(sub, "num") {
			return "", nil
		}
		if id.dnid != nil {
			return *id.dnid, nil
		}
		return x.Channel().Snapshot().Dialled, nil
	case "ani2":
		return strconv.Itoa(id.ani2), nil
	case "ani":
		p := id.caller
		if id.ani != nil {
			p = *id.ani
		}
		return p.read(orNumber(sub))
	case "priv":
		return "", nil
	}
	return id.caller.read(a[0])
}

// orNumber is the field of "ani" and the like: the number, if nothing is said.
func orNumber(sub string) string {
	if sub == "" {
		return "num"
	}
	return sub
}

func writeCallerID(_ context.Context, x *run.Exec, args, value string) error {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return errors.New("CALLERID needs the name of a field")
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	id.caller.take(x.Channel().Snapshot().Caller)
	switch main, sub := partyField(a[0]); main {
	case "rdnis":
		redirectOf(x, id).from.number = strings.TrimSpace(value)
		return nil
	case "dnid":
		if sub == "" || strings.HasPrefix(sub, "num") {
			id.dnid = new(strings.TrimSpace(value))
		}
		return nil
	case "ani2":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return err
		}
		id.ani2 = n
		return nil
	case "ani":
		p := id.caller
		if id.ani != nil {
			p = *id.ani
		}
		if err := p.write(orNumber(sub), value); err != nil {
			return err
		}
		id.ani = &p
		return nil
	case "priv":
		return nil
	}
	if err := id.caller.write(a[0], value); err != nil {
		return err
	}
	x.SetPresentation(id.caller.presentation())
	return alive(x.Channel().SetCallerID(id.caller.callerID()))
}

// alive makes nothing of a channel that has hung up: in h there is nobody left
// to tell.
func alive(err error) error {
	if errors.Is(err, pbx.ErrGone) {
		return nil
	}
	return err
}

// readConnected is CONNECTEDLINE(field).
func readConnected(_ context.Context, x *run.Exec, args string) (string, error) {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return "", errors.New("CONNECTEDLINE needs the name of a field")
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	id.connected.take(id.connectedNow(x))
	return id.connected.read(a[0])
}

// connectedNow is the connected line with what is held back; id.mu is held.
func (id *identities) connectedNow(x *run.Exec) call.CallerID {
	if id.held != nil {
		return *id.held
	}
	return x.Channel().Snapshot().Connected
}

// writeConnected is CONNECTEDLINE(field[,i])=value: with i the party is told
// only by a later write without it (Asterisk: func_callerid.c).
func writeConnected(_ context.Context, x *run.Exec, args, value string) error {
	a := dialplan.SplitArgs(args)
	if len(a) == 0 {
		return errors.New("CONNECTEDLINE needs the name of a field")
	}
	id := identitiesOf(x)
	id.mu.Lock()
	defer id.mu.Unlock()
	id.connected.take(id.connectedNow(x))
	if main, _ := partyField(a[0]); main == "source" {
		return nil // why it changes: SIP does not say that
	}
	if err := id.connected.write(a[0], value); err != nil {
		return err
	}
	now := id.connected.callerID()
	if len(a) > 1 && strings.Contains(a[1], "i") {
		id.held = &now
		return nil
	}
	id.held = nil
	return alive(x.Channel().SetConnected(now))
}
