package ari

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
)

const (
	dialTimeout     = 5 * time.Second        // to connect, if none is configured
	firstPause      = 500 * time.Millisecond // before the second try, if none is configured
	longestPause    = time.Minute            // the pauses double up to it
	afterCall       = 3 * time.Second        // a connection per call stays so long after StasisEnd
	maxPerCall      = 1000                   // connections per call at once
	stableAfter     = 30 * time.Second       // a connection that lasted so long was a good one
	outboundStopped = "the connection is no longer configured"
)

// outbounds are the WebSockets that we open (spec: ari 3.7): those that are kept open,
// and those per call.
type outbounds struct {
	s       *Server
	perCall chan struct{} // a token for each one that is open

	mu      sync.Mutex               // guards what follows
	begin   func(o Outbound) *keeper // starts one; nil before start
	stopped bool
	kept    []*keeper
}

func newOutbounds(s *Server) *outbounds {
	return &outbounds{s: s, perCall: make(chan struct{}, maxPerCall)}
}

// start opens what is configured. ctx gives values only.
func (l *outbounds) start(ctx context.Context) {
	l.mu.Lock()
	l.begin = func(o Outbound) *keeper {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it lives until it is ended
		k := &keeper{s: l.s, o: o, cancel: cancel}
		l.s.sockets.running.Go(func() { k.run(ctx) })
		return k
	}
	l.mu.Unlock()
	l.reload()
}

// reload opens what is newly configured, and closes what is not any more or is
// configured otherwise.
func (l *outbounds) reload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begin == nil || l.stopped {
		return
	}
	want := slices.DeleteFunc(slices.Clone(l.s.o.Config().Outbound), func(o Outbound) bool { return o.PerCall })
	l.kept = slices.DeleteFunc(l.kept, func(k *keeper) bool {
		i := slices.IndexFunc(want, func(o Outbound) bool { return reflect.DeepEqual(o, k.o) })
		if i < 0 {
			k.end()
			return true
		}
		want = slices.Delete(want, i, i+1)
		return false
	})
	for _, o := range want {
		l.kept = append(l.kept, l.begin(o))
	}
}

// stop ends the tries to connect. The sockets themselves are ended with all others.
func (l *outbounds) stop() {
	l.mu.Lock()
	l.stopped = true
	for _, k := range l.kept {
		k.cancel()
	}
	l.kept = nil
	l.mu.Unlock()
}

// Reload looks at the configuration again, for what is not looked at with each
// request: outbound WebSockets are opened and closed, those of users that are not there
// any more are closed, and channels show other variables.
func (s *Server) Reload() {
	s.sw.ShowVariables(s.o.Config().ChannelVars)
	s.sockets.recheck()
	s.outbound.reload()
}

// keeper keeps one connection open.
//
//	connect ─► registered ─ closed or failed ─► pause (doubling) ─► connect …
//	   └─ failed ─► pause … until Attempts are used up
type keeper struct {
	s      *Server
	o      Outbound
	cancel context.CancelFunc // ends the tries

	mu     sync.Mutex // guards socket
	socket *socket    // nil = not connected
}

// end tells the client that its applications are gone, and closes the connection.
func (k *keeper) end() {
	k.cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.socket == nil {
		return
	}
	for _, app := range k.o.Apps {
		_ = k.s.hub.Tell(app, pbx.Event{Type: stasis.Unregistered}) // another may have it
	}
	k.socket.end(websocket.StatusNormalClosure, outboundStopped)
}

// run connects again and again.
func (k *keeper) run(ctx context.Context) {
	first := k.o.pause()
	pause, failed := first, 0
	for ctx.Err() == nil {
		begun := time.Now()
		err := k.connect(ctx)
		if time.Since(begun) > stableAfter || err == nil {
			pause, failed = first, 0
		}
		if err != nil {
			failed++
			k.s.log.Warn("outbound event socket not opened", "door", "ari", "name", k.o.Name, "try", failed, "error", err)
			if k.o.Attempts > 0 && failed > k.o.Attempts {
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		if err != nil {
			pause = min(pause*2, max(longestPause, first))
		}
	}
}

// connect opens the connection and serves it until it ends. An error says why it could
// not be opened.
func (k *keeper) connect(ctx context.Context) error {
	w, err := k.s.open(ctx, &k.o, k.o.Apps)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.socket = w
	k.mu.Unlock()
	if ctx.Err() != nil { // it came to its end meanwhile
		w.end(websocket.StatusNormalClosure, outboundStopped)
	}
	w.run(ctx)
	k.mu.Lock()
	k.socket = nil
	k.mu.Unlock()
	return nil
}

// open connects to a client and registers applications.
func (s *Server) open(ctx context.Context, o *Outbound, apps []string) (*socket, error) {
	i := slices.IndexFunc(s.o.Config().Users, func(u User) bool { return u.Name == o.LocalUser })
	if i < 0 {
		return nil, fmt.Errorf("there is no user %q with whose rights requests could be carried out", o.LocalUser)
	}
	user := s.o.Config().Users[i]
	conn, err := dialOutbound(ctx, o)
	if err != nil {
		return nil, err
	}
	session, err := s.hub.Attach(stasis.SessionOptions{Apps: apps, SubscribeAll: o.SubscribeAll, Outbound: true})
	if err != nil {
		_ = conn.Close(websocket.StatusPolicyViolation, "the applications cannot be registered")
		return nil, err
	}
	return s.newSocket(conn, session, &user, o.URI, apps), nil
}

// dialOutbound opens a WebSocket with the credentials that are configured.
func dialOutbound(ctx context.Context, o *Outbound) (*websocket.Conn, error) {
	limit := o.Timeout
	if limit <= 0 {
		limit = dialTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t, err := o.tls()
	if err != nil {
		return nil, err
	}
	protocols := o.Protocols
	if len(protocols) == 0 {
		protocols = []string{subprotocol}
	}
	header := http.Header{}
	if o.Username != "" || o.Password != "" {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password)))
	}
	transport := &http.Transport{TLSClientConfig: t, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}
	conn, _, err := websocket.Dial(ctx, o.URI, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: protocols,
	})
	return conn, err
}

// pause is how long to wait before the second try.
func (o *Outbound) pause() time.Duration {
	if o.Reconnect > 0 {
		return o.Reconnect
	}
	return firstPause
}

// tls gives the TLS options, nil when all is usual.
func (o *Outbound) tls() (*tls.Config, error) {
	if !o.Insecure && o.CAFile == "" && o.CertFile == "" {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: o.Insecure} //nolint:gosec // asked for by who configures the server
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates that are trusted: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates that are trusted: %s has none", o.CAFile)
		}
	}
	if o.CertFile != "" {
		key := o.KeyFile
		if key == "" {
			key = o.CertFile // Asterisk's habit: both in one file
		}
		pair, err := tls.LoadX509KeyPair(o.CertFile, key)
		if err != nil {
			return nil, fmt.Errorf("certificate of this server: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

var errManyPerCall = errors.New("there are too many connections per call")

// PerCall connects to an application that is reached by a WebSocket for each call
// (stasis.Options.PerCall). Its name on the socket is "app:channel name". done closes
// the connection three seconds after it is called.
func (s *Server) PerCall(ctx context.Context, c *pbx.Channel, app string) (name string, done func(), ok bool) {
	o, ok := s.perCallOf(app)
	if !ok {
		return "", nil, false
	}
	name = app + ":" + c.Snapshot().Name
	w := s.outbound.tryPerCall(ctx, o, name)
	if w == nil {
		return "", nil, false
	}
	return name, func() {
		time.AfterFunc(afterCall, func() { w.end(websocket.StatusNormalClosure, "") })
	}, true
}

// HasPerCall says whether PerCall has somewhere to connect to (stasis.Options.HasPerCall).
func (s *Server) HasPerCall(app string) bool {
	_, ok := s.perCallOf(app)
	return ok
}

// perCallOf gives the connection per call that serves an application.
func (s *Server) perCallOf(app string) (*Outbound, bool) {
	all := s.o.Config().Outbound
	i := slices.IndexFunc(all, func(o Outbound) bool { return o.PerCall && slices.Contains(o.Apps, app) })
	if i < 0 {
		return nil, false
	}
	return &all[i], true
}

// tryPerCall opens a connection, which may take several tries; nil if all of them fail
// or the call is over.
func (l *outbounds) tryPerCall(ctx context.Context, o *Outbound, name string) *socket {
	for failed := 1; ; failed++ {
		w, err := l.openPerCall(ctx, o, name)
		if err == nil {
			return w
		}
		l.s.log.Warn("outbound event socket not opened", "door", "ari", "name", o.Name, "application", name, "try", failed, "error", err)
		if failed > o.Attempts || errors.Is(err, errStopping) {
			return nil
		}
		select {
		case <-time.After(o.pause()):
		case <-ctx.Done():
			return nil
		}
	}
}

// openPerCall opens a connection that serves itself.
func (l *outbounds) openPerCall(ctx context.Context, o *Outbound, name string) (*socket, error) {
	select {
	case l.perCall <- struct{}{}:
	default:
		return nil, errManyPerCall
	}
	w, err := l.s.open(ctx, o, []string{name})
	if err == nil && !l.serve(ctx, w) {
		_ = w.conn.CloseNow() // we have just stopped
		w.session.Close()
		err = errStopping
	}
	if err != nil {
		<-l.perCall
		return nil, err
	}
	return w, nil
}

// serve runs a connection per call, unless all is over.
func (l *outbounds) serve(ctx context.Context, w *socket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.s.sockets.running.Go(func() {
		defer func() { <-l.perCall }()
		w.run(ctx)
	})
	return true
}
