package funcs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// variables lists the functions that read and write variables that lie
// elsewhere, or ask whether there are any (spec: dialplan 6.1).
func variables() []run.Func {
	return []run.Func{
		{Name: "GLOBAL", Read: readGlobal, Write: writeGlobal},
		{Name: "GLOBAL_EXISTS", Read: readGlobalExists},
		{Name: "VARIABLE_EXISTS", Read: readVariableExists},
		{Name: "DELETE", Write: writeDelete},
		{Name: "LOCAL", Read: readLocal, Write: writeLocal},
		{Name: "LOCAL_PEEK", Read: readLocalPeek},
		{Name: "SHARED", Read: readShared, Write: writeShared},
		{Name: "MASTER_CHANNEL", Read: readMaster, Write: writeMaster},
		{Name: "EXCEPTION", Read: readException},
	}
}

// errNoName says that a variable has no name.
var errNoName = errors.New("the name of a variable is needed")

func readGlobal(_ context.Context, x *run.Exec, args string) (string, error) {
	v, _ := x.Machine().Global(args)
	return v, nil
}

func writeGlobal(_ context.Context, x *run.Exec, args, value string) error {
	if args == "" {
		return errNoName
	}
	x.Machine().SetGlobal(args, value)
	return nil
}

func readGlobalExists(_ context.Context, x *run.Exec, args string) (string, error) {
	_, ok := x.Machine().Global(args)
	return oneOrZero(ok), nil
}

// readVariableExists is VARIABLE_EXISTS(name): whether there is a variable of
// the channel or a global one, also an empty one; built-in ones do not count.
func readVariableExists(_ context.Context, x *run.Exec, args string) (string, error) {
	_, ok := x.Channel().PlainVariable(args)
	if !ok {
		_, ok = x.Machine().Global(args)
	}
	return oneOrZero(ok), nil
}

// writeDelete is Set(DELETE(name)=): the channel has no such variable any more,
// and a global one that it hid is seen again.
func writeDelete(_ context.Context, x *run.Exec, args, _ string) error {
	if args == "" {
		return errNoName
	}
	if err := x.Channel().UnsetVariable(args); err != nil {
		x.Channel().UnsetDeadVariable(args) // in h
	}
	return nil
}

// readLocal is LOCAL(name): a variable of the present Gosub, nothing if it is
// none of its own.
func readLocal(_ context.Context, x *run.Exec, args string) (string, error) {
	v, _ := x.Local(args)
	return v, nil
}

func writeLocal(ctx context.Context, x *run.Exec, args, value string) error {
	if args == "" {
		return errNoName
	}
	if !x.SetLocal(ctx, args, value) {
		return errors.New("there is no Gosub in progress")
	}
	return nil
}

// readLocalPeek is LOCAL_PEEK(n,name): the value that n Gosubs further out
// have; 0 is the present one.
func readLocalPeek(_ context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 2)
	n, err := strconv.Atoi(strings.TrimSpace(a[0]))
	if given < 2 || err != nil || n < 0 {
		return "", errors.New("it must be written LOCAL_PEEK(n,name)")
	}
	return x.Peek(a[1], n), nil
}

// shared are the variables of one channel that others can read and write.
type shared struct {
	mu sync.Mutex // guards m
	m  map[string]string
}

// sharedOf finds "name[,channel]", the channel by name or id.
func sharedOf(x *run.Exec, args string) (vars *shared, name string, err error) {
	a, _ := plainArgs(args, 2)
	if a[0] == "" {
		return nil, "", errNoName
	}
	if a[1] != "" {
		c, ok := findChannel(x, a[1])
		if !ok {
			return nil, "", fmt.Errorf("there is no channel %q", a[1])
		}
		x = x.Machine().Exec(c)
	}
	return x.Value("shared", func() any { return &shared{m: make(map[string]string)} }).(*shared), a[0], nil
}

// readShared is SHARED(name[,channel]).
func readShared(_ context.Context, x *run.Exec, args string) (string, error) {
	vars, name, err := sharedOf(x, args)
	if err != nil {
		return "", err
	}
	vars.mu.Lock()
	defer vars.mu.Unlock()
	return vars.m[name], nil
}

func writeShared(_ context.Context, x *run.Exec, args, value string) error {
	vars, name, err := sharedOf(x, args)
	if err != nil {
		return err
	}
	vars.mu.Lock()
	defer vars.mu.Unlock()
	if value == "" {
		delete(vars.m, name)
	} else {
		vars.m[name] = value
	}
	return nil
}

// master is the channel with which the call began: the one that gave all its
// channels their linked id. The channel itself if that one has gone.
func master(x *run.Exec) *run.Exec {
	if c, ok := x.Machine().Switch().Channel(x.Channel().Snapshot().LinkedID); ok {
		return x.Machine().Exec(c)
	}
	return x
}

// readMaster is MASTER_CHANNEL(name): a variable or function of the master.
func readMaster(ctx context.Context, x *run.Exec, args string) (string, error) {
	if args == "" {
		return "", errNoName
	}
	return expandName(ctx, master(x), args), nil
}

func writeMaster(ctx context.Context, x *run.Exec, args, value string) error {
	if args == "" {
		return errNoName
	}
	master(x).Set(ctx, args, value)
	return nil
}

// readException is EXCEPTION(reason|context|exten|priority): why extension e
// runs, and where the call was before. Nothing outside of it.
func readException(_ context.Context, x *run.Exec, args string) (string, error) {
	e := x.Exception()
	if e.Reason == "" {
		return "", nil
	}
	switch strings.ToLower(strings.TrimSpace(args)) {
	case "", "reason":
		return e.Reason, nil
	case "context":
		return e.At.Context, nil
	case "exten":
		return e.At.Exten, nil
	case "priority":
		return strconv.Itoa(e.At.Priority), nil
	}
	return "", fmt.Errorf("there is no %q of an exception", args)
}

// places lists the functions that ask about the dialplan (spec: dialplan 6.1).
func places() []run.Func {
	return []run.Func{
		{Name: "DIALPLAN_EXISTS", Read: readDialplanExists},
		{Name: "VALID_EXTEN", Read: readValidExten},
	}
}

// readDialplanExists is DIALPLAN_EXISTS(context[,exten[,priority]]); the priority
// can be a label.
func readDialplanExists(_ context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given == 0 {
		return "", errors.New("a context is needed")
	}
	p := x.Plan()
	switch given {
	case 1:
		return oneOrZero(p.HasContext(a[0])), nil
	case 2:
		return oneOrZero(p.Exists(a[0], a[1], x.Caller())), nil
	}
	prio, err := strconv.Atoi(a[2])
	if err != nil {
		prio = p.Label(a[0], a[1], a[2], x.Caller())
	}
	return oneOrZero(prio > 0 && p.Find(a[0], a[1], prio, x.Caller()) != nil), nil
}

// readValidExten is VALID_EXTEN([context],exten[,priority]): DIALPLAN_EXISTS
// with the present context for none, and without labels.
func readValidExten(_ context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given < 2 || a[1] == "" {
		return "", errors.New("it must be written VALID_EXTEN([context],exten[,priority])")
	}
	where := a[0]
	if where == "" {
		where = x.Position().Context
	}
	prio := 1
	if a[2] != "" {
		prio, _ = strconv.Atoi(a[2])
	}
	return oneOrZero(prio > 0 && x.Plan().Find(where, a[1], prio, x.Caller()) != nil), nil
}
