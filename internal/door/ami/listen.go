package ami

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// certificate is the one of the TLS listener; Reload reads it again.
type certificate struct {
	now atomic.Pointer[tls.Certificate]
}

func (c *certificate) load(cfg *Config) error {
	pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return fmt.Errorf("read the certificate of ami: %w", err)
	}
	c.now.Store(&pair)
	return nil
}

// config is that of the listener: no version below 1.2 (spec: ami 6).
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}

// listen opens a listener and accepts until it is closed.
func (s *Server) listen(ctx context.Context, address string, secure bool) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for ami: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stopped {
		return errors.Join(net.ErrClosed, l.Close())
	}
	s.listeners = append(s.listeners, l)
	s.work.Go(func() { s.accept(l, secure) })
	s.log.Info("listening", "door", "ami", "address", l.Addr().String(), "tls", secure)
	return nil
}

// accept takes connections. When there are no more file descriptors it waits a moment.
func (s *Server) accept(l net.Listener, secure bool) {
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.log.Warn("connection not accepted", "door", "ami", "err", err)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.base.Done():
				return
			}
			continue
		}
		s.enter(conn, secure)
	}
}

// enter begins a session, unless there are too many: then the connection is closed
// without a banner (spec: ami 1, rule 12).
func (s *Server) enter(conn net.Conn, secure bool) {
	c := s.o.Config()
	s.mu.Lock()
	room := s.strangers < cmp.Or(c.AuthLimit, defaultAuthLimit) && s.roomFor(c)
	if room && s.state != stopped {
		t := newSession(s, conn, secure)
		s.strangers++
		s.clients[&t.client] = struct{}{}
		s.work.Go(t.run)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	_ = conn.Close() // it is not used
	s.count.refused.Add(1)
	s.log.Info("connection refused, there are too many", "door", "ami", "remote", conn.RemoteAddr().String())
}

// roomFor says whether one more connection or HTTP session may be; s.mu is held.
func (s *Server) roomFor(c *Config) bool {
	return c.MaxConnections <= 0 || len(s.clients) < c.MaxConnections
}

// leave ends the counting of a connection.
func (s *Server) leave(t *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, &t.client)
	if t.user.Load() == nil {
		s.strangers--
	}
}
