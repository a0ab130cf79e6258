package softphone

import (
	"context"
	"fmt"

	"github.com/dialwright/dialwright/internal/sip/ua"
)

// register begins to keep the phone registered.
func (p *Phone) register(ctx context.Context) error {
	registrar, err := p.server("", p.cfg.Server)
	if err != nil {
		return err
	}
	aor, err := parseURI("sip:" + ua.EscapeUser(p.cfg.User) + "@" + p.cfg.Domain)
	if err != nil {
		return err
	}
	r, err := p.agent.Register(ctx, ua.RegisterOptions{
		AOR: aor, Registrar: registrar,
		Auth:    ua.Credentials{User: p.cfg.User, Password: p.cfg.Password},
		Expires: p.cfg.Expires, OnState: p.registered,
		RetryMin: p.cfg.RetryMin, RetryMax: 30 * p.cfg.RetryMin,
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.registration = r
	return nil
}

// registered hears of every change.
func (p *Phone) registered(s ua.RegState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	close(p.changed)
	p.changed = make(chan struct{})
}

// Registered says whether the registrar has us now.
func (p *Phone) Registered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Registered
}

// WaitRegistered waits until the phone is registered. When ctx ends before,
// the error says what the registrar answered last.
func (p *Phone) WaitRegistered(ctx context.Context) error {
	return p.waitRegistration(ctx, func(s ua.RegState) bool { return s.Registered })
}

// WaitRefused waits until a registration was refused and gives the status.
func (p *Phone) WaitRefused(ctx context.Context) (status int, err error) {
	err = p.waitRegistration(ctx, func(s ua.RegState) bool {
		status = s.Status
		return !s.Registered && s.Status >= 300
	})
	return status, err
}

func (p *Phone) waitRegistration(ctx context.Context, enough func(ua.RegState) bool) error {
	for {
		p.mu.Lock()
		s, changed := p.state, p.changed
		p.mu.Unlock()
		if enough(s) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("phone %s: not registered (%s): %w", p.cfg.User, s.LastError, context.Cause(ctx))
		}
	}
}

// Unregister takes the registration back and waits for the answer.
func (p *Phone) Unregister(ctx context.Context) error {
	p.mu.Lock()
	r := p.registration
	p.registration = nil
	p.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.Stop(ctx)
}
