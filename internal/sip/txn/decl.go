// Package txn declares the transaction layer.
package txn

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dialwright/dialwright/internal/sip/sipnet"
	"github.com/emiago/sipgo/sip"
)

var errNotBuilt = errors.New("not built yet")

var (
	ErrTimeout       = errors.New("no response in time")
	ErrTransport     = errors.New("transport failed")
	ErrNoProvisional = errors.New("no provisional response yet")
	ErrEnded         = errors.New("transaction has ended")
	ErrStopped       = errors.New("transaction layer stopped")
	ErrNoAck         = errors.New("no ACK to the final response")
)

type Config struct {
	T1, T2, T4 time.Duration
	Extensions []string
	Log        *slog.Logger
}
type Layer struct{}
type ClientTx struct{}
type ServerTx struct{}

func New(*sipnet.Net, Config) *Layer                  { return &Layer{} }
func (l *Layer) Handle(f *sipnet.Flow, m sip.Message) {}
func (l *Layer) Send(f *sipnet.Flow, r *sip.Request, on func(*sip.Response, error)) (*ClientTx, error) {
	return nil, errNotBuilt
}
func (l *Layer) OnRequest(func(*ServerTx))                        {}
func (l *Layer) OnAck(func(f *sipnet.Flow, ack *sip.Request))     {}
func (l *Layer) OnStray2xx(func(f *sipnet.Flow, r *sip.Response)) {}
func (l *Layer) SendAck(f *sipnet.Flow, ack *sip.Request) error   { return errNotBuilt }
func (l *Layer) SendRaw(f *sipnet.Flow, b []byte) error           { return errNotBuilt }
func (l *Layer) Stop(ctx context.Context) error                   { return nil }
func (l *Layer) Pending() int                                     { return 0 }
func (c *ClientTx) Cancel(build func(cancel *sip.Request)) error  { return errNotBuilt }
func (c *ClientTx) Branch() string                                { return "" }
func (c *ClientTx) Request() *sip.Request                         { return nil }
func (c *ClientTx) Flow() *sipnet.Flow                            { return nil }
func (s *ServerTx) Request() *sip.Request                         { return nil }
func (s *ServerTx) Flow() *sipnet.Flow                            { return nil }
func (s *ServerTx) Respond(r *sip.Response) error                 { return errNotBuilt }
func (s *ServerTx) OnCancel(func(cancel *sip.Request))            {}
func (s *ServerTx) OnEnd(func(error))                             {}
func NewResponse(req *sip.Request, status int, reason string, toTag string) *sip.Response {
	return nil
}
