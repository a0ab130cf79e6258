package funcs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// services lists SRVQUERY and SRVRESULT (spec: dialplan 6.2; Asterisk: func_srv.c).
func services() []run.Func {
	return []run.Func{
		{Name: "SRVQUERY", Danger: run.Net, Read: readSRVQuery},
		{Name: "SRVRESULT", Danger: run.Net, Read: readSRVResult},
	}
}

// srvAnswers are what a channel has asked for, by the name of the service.
type srvAnswers struct {
	mu sync.Mutex // guards m
	m  map[string][]*net.SRV
}

func srvAnswersOf(x *run.Exec) *srvAnswers {
	return x.Value("srv", func() any { return &srvAnswers{m: make(map[string][]*net.SRV)} }).(*srvAnswers)
}

// resolver is the machine's; tests put their own there before.
func resolver(x *run.Exec) *net.Resolver {
	return x.Machine().Value("resolver", func() any { return new(net.Resolver) }).(*net.Resolver)
}

// readSRVQuery is SRVQUERY(service): asks for "_sip._udp.example.com" and gives
// an id for SRVRESULT, which is the name itself. The records come in the order in
// which they are to be tried (RFC 2782).
func readSRVQuery(ctx context.Context, x *run.Exec, args string) (string, error) {
	if args == "" {
		return "", errors.New("the name of a service is needed")
	}
	_, list, err := resolver(x).LookupSRV(ctx, "", "", args)
	if err != nil {
		return "", err
	}
	answers := srvAnswersOf(x)
	answers.mu.Lock()
	defer answers.mu.Unlock()
	answers.m[args] = list
	return args, nil
}

// readSRVResult is SRVRESULT(id,number[,host|port|priority|weight]), numbers
// from 1, and SRVRESULT(id,getnum): how many there are. A service that was not asked for
// yet is now.
func readSRVResult(ctx context.Context, x *run.Exec, args string) (string, error) {
	a, given := plainArgs(args, 3)
	if given < 2 {
		return "", errors.New("it must be written SRVRESULT(id,number[,field])")
	}
	answers := srvAnswersOf(x)
	answers.mu.Lock()
	list, asked := answers.m[a[0]]
	answers.mu.Unlock()
	if !asked {
		if _, err := readSRVQuery(ctx, x, a[0]); err != nil {
			return "", err
		}
		answers.mu.Lock()
		list = answers.m[a[0]]
		answers.mu.Unlock()
	}
	if strings.EqualFold(a[1], "getnum") {
		return strconv.Itoa(len(list)), nil
	}
	n, err := strconv.Atoi(a[1])
	if err != nil || n < 1 || n > len(list) {
		return "", fmt.Errorf("there is no record %s of %s", a[1], a[0])
	}
	r := list[n-1]
	switch strings.ToLower(a[2]) {
	case "", "host":
		return strings.TrimSuffix(r.Target, "."), nil
	case "port":
		return strconv.Itoa(int(r.Port)), nil
	case "priority":
		return strconv.Itoa(int(r.Priority)), nil
	case "weight":
		return strconv.Itoa(int(r.Weight)), nil
	}
	return "", fmt.Errorf("there is no %q of a record", a[2])
}
