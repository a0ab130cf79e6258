// Package media is the media plane: sockets, RTP, bridging, prompts and recordings.
package media

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

var errNotBuilt = errors.New("not built yet")

// ErrNoPorts says that the port range (or the file limit) is used up.
var ErrNoPorts = errors.New("media: no free RTP port pair")

// ErrNoEvent says that the port's leg has no telephone-event.
var ErrNoEvent = errors.New("media: the leg has no telephone-event")

// ErrFormat says that a file or recording format is unknown or unsupported.
var ErrFormat = errors.New("media: unsupported audio format")

// ErrClosed is the error of work cut short because its port, link or engine was closed.
var ErrClosed = errors.New("media: closed")

// ErrStopped is what a playout's done callback gets after Stop or replacement.
var ErrStopped = errors.New("media: stopped")

// Config configures an Engine.
type Config struct {
	Bind             netip.Addr
	Advertise        netip.Addr
	PortMin, PortMax int
	Log              *slog.Logger
	ListenPacket     func(netip.AddrPort) (net.PacketConn, error)
}

// Engine owns the sockets, the clock and the ports.
type Engine struct{}

// EngineStats counts an engine's work.
type EngineStats struct {
	Ports, Sessions, Clocked                    int
	PacketsIn, PacketsOut, Invalid, Unknown     uint64
	PairsFree, PairsUsed, PairsResting, Refused int
}

// New checks c.
func New(c Config) (*Engine, error)                  { return &Engine{}, nil }
func (e *Engine) Start(ctx context.Context) error    { return nil }
func (e *Engine) Stop(ctx context.Context) error     { return nil }
func (e *Engine) Stats() EngineStats                 { return EngineStats{} }
func (e *Engine) OpenRTP(o RTPOptions) (*RTP, error) { return nil, errNotBuilt }
func (e *Engine) NewPort(id string) *Port            { return &Port{} }
func (e *Engine) NewMixer(rate int) *Mixer           { return &Mixer{} }

// Kind classifies a packet by its negotiated payload type.
type Kind uint8

// Kinds of packets.
const (
	KindAudio Kind = iota
	KindEvent
)

// Packet is one RTP packet. Payload is valid during the sink call only.
type Packet struct {
	Kind    Kind
	PT      uint8
	Marker  bool
	Seq     uint16
	TS      uint32
	SSRC    uint32
	Payload []byte
	At      time.Time
}

// Leg is where packets come from and go to.
type Leg interface {
	SetSink(func(*Packet))
	Send(*Packet) error
	Describe() LegInfo
	Close() error
}

// LegInfo describes a leg.
type LegInfo struct {
	Kind           string
	Local, Remote  netip.AddrPort
	Codec          string
	Secure         bool
	SendOK, RecvOK bool
}

// Format is what is spoken on a leg.
type Format struct {
	Codec     string
	ClockRate int
	PTime     int
	EventPT   bool
	EventRate int
}

// RTPOptions opens an RTP session.
type RTPOptions struct {
	ID string
}

// RTP is a leg over UDP.
type RTP struct{}

// RTPConfig is what an offer/answer agreed.
type RTPConfig struct {
	Remote, RemoteRTCP       netip.AddrPort
	RTCPMux                  bool
	Codec                    string
	ClockRate                int
	SendPT, RecvPT           uint8
	EventSendPT, EventRecvPT uint8
	EventRate                int
	SendOK, RecvOK           bool
	PTime                    int
	Strict                   bool
	SRTP                     *SRTPKeys
}

// SRTPKeys are SDES keys.
type SRTPKeys struct {
	Suite         string
	Local, Remote []byte
}

func (r *RTP) LocalAddr() netip.AddrPort   { return netip.AddrPort{} }
func (r *RTP) Configure(c RTPConfig) error { return errNotBuilt }
func (r *RTP) SetSink(func(*Packet))       {}
func (r *RTP) Send(*Packet) error          { return errNotBuilt }
func (r *RTP) Describe() LegInfo           { return LegInfo{} }
func (r *RTP) Close() error                { return nil }
func (r *RTP) Stats() Stats                { return Stats{} }

// NewPipe gives two legs back to back in memory.
func NewPipe() (a, b Leg) { return nil, nil }

// Digit is one received DTMF digit.
type Digit struct {
	Rune     rune
	Duration time.Duration
	InBand   bool
}

// DTMFOptions says how SendDTMF sends.
type DTMFOptions struct {
	Duration, Gap time.Duration
	InBand        bool
}

// TapOptions selects the directions a tap hears.
type TapOptions struct {
	In, Out bool
	Rate    int
}

// Stats describes one port or session.
type Stats struct {
	PacketsIn, PacketsOut, BytesIn, BytesOut, Lost, Late, Dropped uint64
	Jitter, RTT                                                   time.Duration
	MOS                                                           float64
	RemoteLost                                                    uint64
	RemoteJitter                                                  time.Duration
	LastIn                                                        time.Time
}

// Port is a channel's end of the media plane.
type Port struct{}

func (p *Port) ID() string                                              { return "" }
func (p *Port) SetLeg(l Leg, f Format)                                  {}
func (p *Port) Format() (Format, bool)                                  { return Format{}, false }
func (p *Port) OnDTMF(f func(Digit))                                    {}
func (p *Port) DetectInBand(on bool)                                    {}
func (p *Port) AbsorbDTMF(on bool)                                      {}
func (p *Port) Play(src Source, done func(error)) *Playout              { return &Playout{} }
func (p *Port) SendDTMF(digits string, o DTMFOptions, done func(error)) {}
func (p *Port) Tap(s Sink, o TapOptions) (remove func())                { return func() {} }
func (p *Port) Stats() Stats                                            { return Stats{} }
func (p *Port) OnTimeout(d time.Duration, f func())                     {}
func (p *Port) Mute(in, out bool)                                       {}
func (p *Port) SetHold(on bool)                                         {}
func (p *Port) Close()                                                  {}

// Playout is one running Play.
type Playout struct{}

func (p *Playout) Stop()                   {}
func (p *Playout) Pause()                  {}
func (p *Playout) Resume()                 {}
func (p *Playout) Skip(d time.Duration)    {}
func (p *Playout) Position() time.Duration { return 0 }

// Link joins two ports.
type Link struct{}

func Connect(a, b *Port) *Link                   { return &Link{} }
func (l *Link) Close()                           {}
func (l *Link) OnDTMF(f func(to *Port, d Digit)) {}
func (l *Link) Mode() LinkMode                   { return LinkWaiting }

// LinkMode says what a link does at the moment.
type LinkMode int

// Modes.
const (
	LinkWaiting LinkMode = iota
	LinkRelay
	LinkTranscode
	LinkIncompatible
)

// Mixer is a conference.
type Mixer struct{}

// Member is a port in a mixer.
type Member struct{}

// MemberOptions of Mixer.Add.
type MemberOptions struct{ Mute, Deaf bool }

func (m *Mixer) Add(p *Port, o MemberOptions) (*Member, error) { return nil, errNotBuilt }
func (m *Mixer) Play(src Source, done func(error)) *Playout    { return &Playout{} }
func (m *Mixer) Tap(s Sink) (remove func())                    { return func() {} }
func (m *Mixer) Close()                                        {}
func (m *Member) Mute(in, out bool)                            {}
func (m *Member) Remove()                                      {}

// Source gives PCM frames. ReadFrame returns io.EOF at the end.
type Source interface {
	ReadFrame(pcm []int16) (n int, err error)
	Rate() int
}

// Sink takes PCM frames.
type Sink interface {
	WriteFrame(pcm []int16, rate int)
}

func OpenFile(fsys fs.FS, name string) (Source, error) { return nil, errNotBuilt }
func Tone(spec string) (Source, error)                 { return nil, errNotBuilt }
func Silence(d time.Duration) Source                   { return nil }
func Sequence(s ...Source) Source                      { return nil }
func Loop(s Source) Source                             { return nil }

// Recorder is a Sink that writes a file.
type Recorder struct{}

func NewRecorder(w io.WriteSeeker, format string, rate int) (*Recorder, error) {
	return nil, errNotBuilt
}
func (r *Recorder) WriteFrame(pcm []int16, rate int) {}
func (r *Recorder) Close() error                     { return nil }
func (r *Recorder) Duration() time.Duration          { return 0 }

// ToneMeter is a Sink that measures the strongest tone.
type ToneMeter struct{}

func NewToneMeter() *ToneMeter                              { return &ToneMeter{} }
func (m *ToneMeter) WriteFrame(pcm []int16, rate int)       {}
func (m *ToneMeter) Dominant() (hz, level float64, ok bool) { return }
