package ari

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// maxID is how long a channel's id may be (spec: ari 4.1).
const maxID = 149

// making is a channel that is to be made: what originate and create have in common
// (spec: ari 6.1). Its parameters have been read, nothing has been done.
type making struct {
	id, otherID string
	endpoint    string
	app         string
	args        []string
	codecs      []string
	originator  *pbx.Channel // nil = none, or one that create ignores
	vars        []wire.NameValue
	ask         Ask
}

// readMaking reads the parameters whose mistakes Asterisk names first (observed:
// Asterisk 22.10, vectors 18).
func (s *Server) readMaking(q *request) (*making, error) {
	if err := s.busy(); err != nil {
		return nil, err
	}
	vars, err := q.params.Variables()
	if err != nil {
		return nil, err
	}
	m := &making{
		id: q.params.String("channelId"), otherID: q.params.String("otherChannelId"), endpoint: q.params.String("endpoint"),
		app: q.params.String("app"), args: wire.SplitArgs(q.params.String("appArgs")), vars: vars,
	}
	if id, given := q.path["channelId"]; given {
		m.id = id
	}
	if len(m.id) > maxID || len(m.otherID) > maxID {
		return nil, errIDTooLong
	}
	if _, _, err := wire.SplitEndpoint(m.endpoint); err != nil {
		return nil, err
	}
	if q.params.String("originator") != "" && q.params.String("formats") != "" {
		return nil, wire.Errorf(http.StatusBadRequest, "Originator and formats can't both be specified")
	}
	m.ask = Ask{User: q.user, Remote: q.remote, Endpoint: m.endpoint}
	return m, nil
}

// readFormats reads the formats; unknown ones are refused.
func (m *making) readFormats(q *request) error {
	for name := range strings.SplitSeq(q.params.String("formats"), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		codec, ok := codecOf(name)
		if !ok {
			return wire.Errorf(http.StatusBadRequest, "Provided format (%s) was not found", name)
		}
		if codec != "" {
			m.codecs = append(m.codecs, codec)
		}
	}
	return nil
}

// codecOf gives the codec that SDP names for a format of Asterisk (Asterisk:
// main/codec_builtin.c). Signed linear is no codec of a phone: it stands for
// whatever the endpoint speaks, "".
func codecOf(format string) (string, bool) {
	switch f := strings.ToLower(format); f {
	case "ulaw", "pcmu":
		return "PCMU", true
	case "alaw", "pcma":
		return "PCMA", true
	case "g722":
		return "G722", true
	case "opus":
		return "opus", true
	case "slin", "slin8", "slin12", "slin16", "slin24", "slin32", "slin44", "slin48", "slin96", "slin192":
		return "", true
	}
	return "", false
}

// readOriginator finds the channel on whose behalf the new one is made.
func (s *Server) readOriginator(q *request, m *making) bool {
	id := q.params.String("originator")
	if id == "" {
		return true
	}
	c, found := s.anyChannel(id)
	m.originator = c
	return found
}

// resolve asks the guard and gives what the switch is to make, but for caller ID and
// variables.
func (s *Server) resolve(ctx context.Context, m *making) (pbx.CreateOptions, error) {
	endpoint, account, err := s.o.Dial.Dial(ctx, m.ask)
	if err != nil {
		return pbx.CreateOptions{}, s.notMade(err)
	}
	if m.otherID != "" {
		if _, used := s.sw.Channel(m.otherID); used || m.otherID == m.id {
			return pbx.CreateOptions{}, errIDInUse
		}
	}
	return pbx.CreateOptions{
		ID: m.id, OtherID: m.otherID, Endpoint: endpoint, Codecs: m.codecs, Originator: m.originator, Account: account,
	}, nil
}

// Refusals to make a channel.
var (
	errIDTooLong = wire.Errorf(http.StatusBadRequest, "Uniqueid length exceeds maximum of %d", maxID)
	errIDInUse   = wire.Errorf(http.StatusConflict, "Channel with given unique ID already exists")
	errEndpoint  = wire.Errorf(http.StatusBadRequest, "Invalid endpoint specified")
)

// notMade gives the refusal for a channel that could not be made. What the guard
// denies is ours alone and is 403, and too much at once 503; an endpoint or technology that does not exist is
// the 500 that clients know, with a text beside it (spec: ari 2.4 rule 3).
func (s *Server) notMade(err error) error {
	switch f, failed := errors.AsType[*call.Failure](err); {
	case errors.Is(err, pbx.ErrIDInUse):
		return errIDInUse
	case errors.Is(err, pbx.ErrIDTooLong):
		return errIDTooLong
	case errors.Is(err, pbx.ErrEndpoint):
		return errEndpoint
	case errors.Is(err, pbx.ErrStopping):
		return wire.Errorf(http.StatusServiceUnavailable, "The server is stopping and makes no new channels")
	case failed && f.Cause == int(cause.OutgoingBarred):
		return wire.Errorf(http.StatusForbidden, "Not allowed: %s", f.Error())
	case failed && f.Disposition == call.Congestion:
		return wire.Errorf(http.StatusServiceUnavailable, "%s", f.Error())
	case failed:
		return &wire.Error{Status: http.StatusInternalServerError, Message: "Allocation failed: " + f.Error(), Failed: true}
	}
	s.log.Error("channel not made", "error", err)
	return &wire.Error{Status: http.StatusInternalServerError, Message: "Allocation failed", Failed: true}
}

// busy refuses new channels while there are too many.
func (s *Server) busy() error {
	if s.o.Busy == nil {
		return nil
	}
	if why := s.o.Busy(); why != "" {
		return wire.Errorf(http.StatusServiceUnavailable, "%s", why)
	}
	return nil
}

// ringTime reads the timeout of originate: seconds, 30 when it is not given or makes
// no sense, -1 for none (spec: ari 6.1).
func ringTime(q *request) time.Duration {
	switch t := q.params.Int("timeout", 30); {
	case t == -1:
		return 0
	case t <= 0:
		return 30 * time.Second
	default:
		return time.Duration(t) * time.Second
	}
}
