package ari

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/http"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/extmedia"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/snoop"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// snoop makes a channel that hears another one, or speaks into it (spec: ari 5.8).
// It is in its application at once, and no further interest is counted, so that its
// StasisEnd is the last that the application hears of it.
func (s *Server) snoop(ctx context.Context, q *request) (response, error) {
	if err := s.busy(); err != nil {
		return response{}, err
	}
	target, found := s.anyChannel(q.path["channelId"])
	if !found {
		return response{}, wire.ErrProvidedChannel
	}
	o, app, err := snoopOptions(q)
	if err != nil {
		return response{}, err
	}
	if s.o.Snoop == nil {
		return response{}, wire.Errorf(http.StatusNotImplemented, "This server has no snoop channels")
	}
	o.Target, o.Account = target, accountOf(q)
	o.Handler = pbx.HandlerFunc(func(ctx context.Context, _ *pbx.Channel) { <-ctx.Done() }) // until it enters
	c, err := s.o.Snoop.Snoop(ctx, o)
	switch {
	case errors.Is(err, pbx.ErrGone):
		return response{}, wire.ErrProvidedChannel
	case errors.Is(err, snoop.ErrDirection):
		return response{}, errNoDirection
	case errors.Is(err, pbx.ErrNoMedia):
		return response{}, wire.Errorf(http.StatusInternalServerError, "Snoop channel could not be created")
	case err != nil:
		return response{}, s.notMade(err)
	}
	sn := c.Snapshot()
	if err := s.hub.Enter(ctx, c, app, wire.SplitArgs(q.params.String("appArgs"))); err != nil {
		s.log.Info("snoop channel not given to its application", "channel", c.ID(), "application", app, "error", err)
	}
	return ok(s.channel(sn)), nil
}

var errNoDirection = wire.Errorf(http.StatusBadRequest, "Direction must be specified for at least spy or whisper")

// snoopOptions reads the parameters in Asterisk's order (resource_channels.c
// ari_channels_handle_snoop_channel).
func snoopOptions(q *request) (o snoop.Options, app string, err error) {
	app = q.params.String("app")
	o = snoop.Options{
		ID: q.params.String("snoopId"), Spy: snoop.Direction(cmp.Or(q.params.String("spy"), "none")),
		Whisper: snoop.Direction(cmp.Or(q.params.String("whisper"), "none")),
	}
	if id, given := q.path["snoopId"]; given {
		o.ID = id
	}
	switch {
	case app == "":
		err = wire.Errorf(http.StatusBadRequest, "Application name is required")
	case !isDirection(o.Spy):
		err = wire.Errorf(http.StatusBadRequest, "Invalid direction specified for spy")
	case !isDirection(o.Whisper):
		err = wire.Errorf(http.StatusBadRequest, "Invalid direction specified for whisper")
	case o.Spy == snoop.None && o.Whisper == snoop.None:
		err = errNoDirection
	}
	return o, app, err
}

func isDirection(d snoop.Direction) bool {
	switch d {
	case snoop.None, snoop.Both, snoop.In, snoop.Out:
		return true
	}
	return false
}

// accountOf gives on whose behalf a request is made.
func accountOf(q *request) call.AccountID {
	if q.user == nil {
		return ""
	}
	return q.user.Account
}

// externalMedia makes a channel to a program that makes and takes audio (spec: ari 5.8).
// The answer tells where the program shall send to.
func (s *Server) externalMedia(ctx context.Context, q *request) (response, error) {
	if err := s.busy(); err != nil {
		return response{}, err
	}
	vars, err := q.params.Variables()
	if err != nil {
		return response{}, err
	}
	o, app, err := mediaOptions(q)
	if err != nil {
		return response{}, err
	}
	if s.o.Media == nil {
		return response{}, errMediaKind
	}
	if o.Account, err = s.o.Dial.Media(ctx, Ask{User: q.user, Remote: q.remote}); err != nil {
		return response{}, s.notMade(err)
	}
	o.Handler, _ = s.hub.Handler(app, nil) // looks again when it runs whether that is connected
	o.Variables, _ = s.allowed(vars)
	var before *pbx.Snapshot // the answer shows it before the connection (observed: Asterisk 22.10, vector 08b)
	o.Created = func(c *pbx.Channel) {
		before = c.Snapshot()
		s.hub.Interest(app, c.ID())
	}
	c, err := s.o.Media.Open(ctx, o)
	if err != nil {
		return response{}, s.mediaNotMade(err, o)
	}
	return ok(s.mediaChannel(c, cmp.Or(before, c.Snapshot()), vars)), nil
}

var errMediaKind = wire.Errorf(http.StatusNotImplemented, "The encapsulation and/or transport is not supported")

// mediaOptions reads the parameters; the texts are Asterisk's (observed: Asterisk
// 22.10, vectors 08b).
func mediaOptions(q *request) (o extmedia.Options, app string, err error) {
	app = q.params.String("app")
	o = extmedia.Options{
		ID: q.params.String("channelId"), ExternalHost: q.params.String("external_host"), Transport: cmp.Or(q.params.String("transport"), "udp"),
		Encapsulation: q.params.String("encapsulation"), ConnectionType: cmp.Or(q.params.String("connection_type"), "client"),
		Format: q.params.String("format"), Direction: cmp.Or(q.params.String("direction"), "both"), Data: q.params.String("data"),
		TransportData: q.params.String("transport_data"),
	}
	socket := o.Transport == "websocket"
	if o.Encapsulation == "" {
		o.Encapsulation = "rtp"
		if socket { // the only one that goes with it
			o.Encapsulation = "none"
		}
	}
	bad := func(text string) { err = wire.Errorf(http.StatusBadRequest, "%s", text) }
	_, _, hostErr := net.SplitHostPort(o.ExternalHost)
	switch {
	case app == "":
		bad("app cannot be empty")
	case o.ExternalHost == "" && !(socket && o.ConnectionType == "server"):
		bad("external_host is required for all but websocket server connections")
	case o.Format == "":
		bad("format cannot be empty")
	case !socket && hostErr != nil:
		bad("external_host must be <host>:<port> for all transports other than websocket")
	case o.Encapsulation == "audiosocket" && o.Transport != "tcp":
		bad("transport must be 'tcp' for audiosocket encapsulation")
	case socket && o.Encapsulation != "none":
		bad("encapsulation must be 'none' for websocket transport")
	}
	return o, app, err
}

// mediaNotMade gives the refusal of Open. An unknown format is 400 here, where Asterisk
// says 500 (spec: ari 10).
func (s *Server) mediaNotMade(err error, o extmedia.Options) error {
	switch {
	case errors.Is(err, extmedia.ErrTransport):
		return errMediaKind
	case errors.Is(err, extmedia.ErrFormat):
		return wire.Errorf(http.StatusBadRequest, "Provided format (%s) was not found", o.Format)
	case errors.Is(err, extmedia.ErrHost), errors.Is(err, extmedia.ErrClient), errors.Is(err, extmedia.ErrConnection),
		errors.Is(err, extmedia.ErrDirection), errors.Is(err, extmedia.ErrData):
		return wire.Errorf(http.StatusBadRequest, "%s", err)
	}
	return s.notMade(err)
}

// mediaChannel describes the new channel with the variables that its client needs:
// those of the request, and the address of our end.
func (s *Server) mediaChannel(c *pbx.Channel, sn *pbx.Snapshot, vars []wire.NameValue) wire.Channel {
	shown := s.channel(sn)
	all := map[string]string{}
	maps.Copy(all, shown.ChannelVars)
	for _, v := range vars {
		all[v.Name] = v.Value
	}
	for _, name := range []string{
		"UNICASTRTP_LOCAL_PORT", "UNICASTRTP_LOCAL_ADDRESS", "MEDIA_WEBSOCKET_CONNECTION_ID", "MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE",
	} {
		if value, set := c.PlainVariable(name); set {
			all[name] = value
		}
	}
	shown.ChannelVars = all
	return shown
}
