package sipnet

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

var errNotBuilt = errors.New("not built yet")

type Transport string

const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
	TLS Transport = "tls"
	WS  Transport = "ws"
	WSS Transport = "wss"
)

type Flow struct{ id string }

func (f *Flow) ID() string                             { return f.id }
func (f *Flow) Transport() Transport                   { return UDP }
func (f *Flow) LocalAddr() netip.AddrPort              { return netip.AddrPort{} }
func (f *Flow) RemoteAddr() netip.AddrPort             { return netip.AddrPort{} }
func (f *Flow) Alive() bool                            { return false }
func (f *Flow) Secure() bool                           { return false }
func (f *Flow) SentBy() (host string, port int)        { return "", 0 }
func (f *Flow) Send(b []byte) error                    { return errNotBuilt }
func (f *Flow) OnClose(fn func(error)) (remove func()) { return func() {} }
func (f *Flow) SetRegistered(on bool)                  {}
func (f *Flow) Retain()                                {}
func (f *Flow) Release()                               {}

type ListenConfig struct {
	Transport Transport
	Addr      string
	Advertise string
	TLS       *tls.Config
}
type AdvertiseOverride struct {
	Prefix netip.Prefix
	Host   string
}
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}
type Config struct {
	Listen           []ListenConfig
	PacketConn       func(network, addr string) (net.PacketConn, error)
	StreamListen     func(network, addr string) (net.Listener, error)
	StreamDial       func(ctx context.Context, network, addr string) (net.Conn, error)
	ClientTLS        func(peerHost string) *tls.Config
	KnownSource      func(netip.Addr) bool
	Overrides        []AdvertiseOverride
	Resolver         Resolver
	WebSocketOrigins []string
	UserAgent        string
	Log              *slog.Logger
	Trace            func(TraceRecord)
}
type TraceRecord struct {
	At                                time.Time
	Sent                              bool
	Peer, CallID, First, CSeq, Reason string
	HasSDP                            bool
	Raw                               []byte
}
type Listener struct {
	Transport Transport
	Addr      netip.AddrPort
}
type Target struct {
	Transport  Transport
	Addr       netip.AddrPort
	ServerName string
}
type Stats struct{ Received, Sent, Unparseable, Limited uint64 }
type Net struct{}

func New(Config) (*Net, error) { return &Net{}, nil }
func (n *Net) Start(ctx context.Context, handle func(*Flow, sip.Message)) error {
	return errNotBuilt
}
func (n *Net) Stop(ctx context.Context) error { return nil }
func (n *Net) Stats() Stats                   { return Stats{} }
func (n *Net) Listeners() []Listener          { return nil }
func (n *Net) WebSocket() http.Handler        { return nil }
func (n *Net) Resolve(ctx context.Context, uri sip.Uri) ([]Target, error) {
	return nil, errNotBuilt
}
func (n *Net) Flow(ctx context.Context, t Target) (*Flow, error) { return nil, errNotBuilt }
