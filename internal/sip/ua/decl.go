package ua

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/dialwright/dialwright/internal/sip/txn"
)

var errNotBuilt = errors.New("not built yet")

type Identity struct{ DisplayName, User, Host string }
type Header struct{ Name, Value string }
type Credentials struct{ User, Password, Realm string }
type Secret struct{ Password, HA1MD5, HA1SHA256 string }
type Config struct {
	Layer                 *txn.Layer
	Net                   *sipnet.Net
	Log                   *slog.Logger
	UserAgent             string
	SessionExpires, MinSE time.Duration
	Rand                  io.Reader
	Realm                 string
	Authenticate          func(user, realm string) (Secret, bool)
}
type Agent struct{}

func New(Config) *Agent                                   { return &Agent{} }
func (a *Agent) Start(ctx context.Context) error          { return errNotBuilt }
func (a *Agent) Stop(ctx context.Context) error           { return nil }
func (a *Agent) Drain(ctx context.Context) error          { return nil }
func (a *Agent) OnInvite(func(*Call, *sip.Request))       {}
func (a *Agent) OnMessage(func(*txn.ServerTx))            {}
func (a *Agent) OnOptions(func(*txn.ServerTx))            {}
func (a *Agent) OnSubscribe(func(*txn.ServerTx))          {}
func (a *Agent) OnNotify(func(*txn.ServerTx))             {}
func (a *Agent) Authorize(c *Call) (user string, ok bool) { return "", false }
func (a *Agent) Registrar() *Registrar                    { return nil }
func (a *Agent) Invite(o InviteOptions) (*Call, error)    { return nil, errNotBuilt }
func (a *Agent) Register(ctx context.Context, o RegisterOptions) (*Registration, error) {
	return nil, errNotBuilt
}
func (a *Agent) Options(ctx context.Context, target sip.Uri, flow *sipnet.Flow) (int, time.Duration, error) {
	return 0, 0, errNotBuilt
}

type InviteOptions struct {
	Target      sip.Uri
	Route       []sip.Uri
	Flow        *sipnet.Flow
	From        Identity
	To          *Identity
	ContactUser string
	CallID      string
	SDP         []byte
	Headers     []Header
	Auth        *Credentials
	MaxForks    int
	Events      func(Event)
}
type Direction int

const (
	Outgoing Direction = iota
	Incoming
)

type Call struct{}

func (c *Call) CallID() string                                            { return "" }
func (c *Call) Direction() Direction                                      { return 0 }
func (c *Call) Done() <-chan struct{}                                     { return nil }
func (c *Call) Flow() *sipnet.Flow                                        { return nil }
func (c *Call) RemoteIdentity() Identity                                  { return Identity{} }
func (c *Call) AssertedIdentity() (Identity, bool)                        { return Identity{}, false }
func (c *Call) Request() *sip.Request                                     { return nil }
func (c *Call) RequestHeader(name string) string                          { return "" }
func (c *Call) ResponseHeader(name string) string                         { return "" }
func (c *Call) ReplacedCall() *Call                                       { return nil }
func (c *Call) Replaces() string                                          { return "" }
func (c *Call) Handle(events func(Event))                                 {}
func (c *Call) Provisional(status int, reason string, sdp []byte) error   { return errNotBuilt }
func (c *Call) Answer(sdp []byte, headers ...Header) error                { return errNotBuilt }
func (c *Call) Reject(status int, reason string, headers ...Header) error { return errNotBuilt }
func (c *Call) Redirect(contact string) error                             { return errNotBuilt }
func (c *Call) Hangup(code cause.Code)                                    {}
func (c *Call) Reinvite(sdp []byte, done func(answer []byte, err error))  {}
func (c *Call) AcceptOffer(sdp []byte) error                              { return errNotBuilt }
func (c *Call) RejectOffer(status int) error                              { return errNotBuilt }
func (c *Call) Info(contentType string, body []byte, done func(status int, err error)) {
}
func (c *Call) Refer(to string, done func(status int, err error))                    {}
func (c *Call) NotifyRefer(status int, reason string)                                {}
func (c *Call) Notify(event, contentType string, body []byte, done func(int, error)) {}

type Binding struct {
	Contact             sip.Uri
	Flow                *sipnet.Flow
	Path                []sip.Uri
	ExpiresAt           time.Time
	Q                   float64
	UserAgent, Instance string
	Received            netip.AddrPort
}
type Registrar struct{}

func (r *Registrar) Lookup(aor string) []Binding                { return nil }
func (r *Registrar) OnChange(func(aor string, registered bool)) {}
func (r *Registrar) All() map[string][]Binding                  { return nil }

type RegisterOptions struct {
	AOR                sip.Uri
	Registrar          sip.Uri
	Route              []sip.Uri
	ContactUser        string
	Auth               Credentials
	Expires            time.Duration
	Keepalive          time.Duration
	OnState            func(RegState)
	RetryMin, RetryMax time.Duration
}
type RegState struct {
	Registered bool
	ExpiresAt  time.Time
	LastError  string
	Status     int
	Flow       *sipnet.Flow
}
type Registration struct{}

func (r *Registration) Stop(ctx context.Context) error { return nil }
func (r *Registration) State() RegState                { return RegState{} }

func ParseDTMF(contentType string, body []byte) (digit rune, d time.Duration, ok bool) {
	return 0, 0, false
}
func FormatDTMF(relay bool, digit rune, d time.Duration) (contentType string, body []byte) {
	return "", nil
}
