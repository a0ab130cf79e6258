package apps

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/dialplan/run"
	"github.com/dialwright/dialwright/internal/wire/agi"
)

// runFast serves a FastAGI server: connects, tells the environment, answers
// until the server closes the connection. A server that does not answer the
// connect within agiConnect, or does not read, costs this call and no other.
func (s *agiSession) runFast(ctx context.Context, what string, env agi.Environment) (status string, err error) {
	u, err := agi.ParseURL(what)
	if err != nil {
		return agiFailure, err
	}
	if !s.x.Allowed(run.Net, "AGI("+what+")") {
		return agiFailure, nil
	}
	conn, err := agiDial(ctx, u)
	if err != nil {
		return agiFailure, fmt.Errorf("FastAGI server not reached: %w", err)
	}
	env.Network, env.NetworkScript = true, u.Script
	stop := make(chan struct{})
	commands, broken := readAGI(conn, agiWriter(conn), stop)
	defer func() {
		close(stop)
		_ = conn.Close()
		for range commands { // until the reader has gone
		}
	}()
	if err := agiWriter(conn)(strings.TrimSuffix(env.String(), "\n")); err != nil {
		return agiFailure, err
	}
	told := func() { _ = agiWriter(conn)(agi.Hangup) } // a server that does not read finds out when it writes
	err = s.serve(ctx, commands, told)
	if err == nil {
		err = broken()
	}
	if err != nil && !errors.Is(err, errAGIBreak) {
		return agiFailure, err
	}
	return agiSuccess, nil
}

// agiDial connects to the first server that answers: every address of the
// host, or with hagi:// every host that DNS names, in its order.
func agiDial(ctx context.Context, u agi.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, agiConnect)
	defer cancel()
	var d net.Dialer
	if !u.SRV {
		return d.DialContext(ctx, "tcp", u.Address())
	}
	_, servers, err := net.DefaultResolver.LookupSRV(ctx, "agi", "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, srv := range servers {
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(strings.TrimSuffix(srv.Target, "."), strconv.Itoa(int(srv.Port))))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// deadlined is a connection or pipe whose writes end in time.
type deadlined interface {
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
}

// agiWriter gives a function that writes lines, each within agiWrite.
func agiWriter(w deadlined) func(string) error {
	return func(text string) error {
		if err := w.SetWriteDeadline(time.Now().Add(agiWrite)); err != nil {
			return err
		}
		_, err := w.Write([]byte(text + "\n"))
		return err
	}
}
