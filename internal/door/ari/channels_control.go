package ari

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dialwright/dialwright/internal/cause"
	"github.com/dialwright/dialwright/internal/pbx"
	"github.com/dialwright/dialwright/internal/stasis"
	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// hangup ends any channel, in an application or not, in any state. When the answer
// comes it has hung up, and a second hangup does not find it any more.
func (s *Server) hangup(_ context.Context, q *request) (response, error) {
	c, found := s.anyChannel(q.path["channelId"])
	if !found || c.Snapshot().HungUp {
		return response{}, wire.ErrChannelNotFound
	}
	code, err := wire.HangupCause(&q.params)
	if err != nil {
		return response{}, err
	}
	c.HangupFromOutside(cause.Code(code))
	<-c.Context().Done()
	return noContent(), nil
}

// continueInDialplan lets a channel leave its application and go on in the dialplan:
// where it came from if nothing is given (spec: ari 5.10).
func (s *Server) continueInDialplan(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
	at, err := continueAt(q, c.Snapshot())
	if err != nil {
		return response{}, err
	}
	if at != (stasis.Position{}) { // where it came from it may go on
		if err := s.o.Dial.Dialplan(ctx, Ask{User: q.user, Remote: q.remote}, at.Context); err != nil {
			return response{}, s.notMade(err)
		}
	}
	err = s.hub.Continue(ctx, c, at)
	switch {
	case errors.Is(err, stasis.ErrLabel):
		return response{}, errLabel
	case errors.Is(err, stasis.ErrNotIn):
		return response{}, wire.ErrNotInStasis
	case err != nil:
		return response{}, err
	}
	return noContent(), nil
}

// continueAt reads where to go on: extension s of a context that is given, the present
// one otherwise (Asterisk: resource_channels.c ast_ari_channels_continue_in_dialplan).
func continueAt(q *request, sn *pbx.Snapshot) (stasis.Position, error) {
	at := stasis.Position{Context: q.params.String("context"), Exten: q.params.String("extension")}
	priority, given := q.params.Lookup("priority")
	at.Priority, at.Label = position(q)
	switch {
	case at.Label == "" && given && priority != "" && q.params.Int("priority", 1) <= 0:
		return at, wire.Errorf(http.StatusBadRequest, "Invalid priority")
	case at.Context == "" && at.Exten == "" && !given && q.params.String("label") == "":
		return stasis.Position{}, nil
	case at.Context != "":
		at.Exten = cmp.Or(at.Exten, "s")
	default:
		at.Context, at.Exten = sn.Context, cmp.Or(at.Exten, sn.Extension)
	}
	if at.Label != "" {
		at.Priority = 0
	}
	return at, nil
}

// move gives a channel to another application. One that is not connected makes
// it stay, and its application is told (spec: ari 5.10).
func (s *Server) move(ctx context.Context, q *request, c *pbx.Channel) (response, error) {
	app := q.params.String("app")
	if app == "" { // spec: ari 10 D1
		return response{}, errNoAppGiven
	}
	err := s.hub.Move(ctx, c, app, wire.SplitArgs(q.params.String("appArgs")))
	if errors.Is(err, stasis.ErrNotIn) {
		return response{}, wire.ErrNotInStasis
	}
	if err != nil {
		return response{}, err
	}
	return noContent(), nil
}

// redirect sends a party elsewhere: a 302 before the answer, a REFER after it. It
// answers at once; what the party makes of it is the party's business.
func (s *Server) redirect(_ context.Context, q *request, c *pbx.Channel) (response, error) {
	endpoint := q.params.String("endpoint")
	if endpoint == "" {
		return response{}, wire.Errorf(http.StatusBadRequest, "Required parameter 'endpoint' not provided.")
	}
	tech, resource, ok := strings.Cut(endpoint, "/")
	switch own := c.Snapshot().Technology; {
	case !ok || tech == "":
		return response{}, wire.Errorf(http.StatusUnprocessableEntity, "Endpoint parameter '%s' does not contain tech/resource", endpoint)
	case resource == "":
		return response{}, wire.Errorf(http.StatusUnprocessableEntity, "No resource provided in endpoint parameter '%s'", endpoint)
	case !strings.EqualFold(tech, own):
		return response{}, wire.Errorf(http.StatusUnprocessableEntity, "Endpoint technology '%s' does not match channel technology '%s'", tech, own)
	}
	return s.told(c, "redirected", c.Redirect(resource))
}

// transferProgress tells a phone whose transfer an application carries out how far
// that has come. The phone has been told that its transfer was accepted already, so
// nothing more follows.
func (s *Server) transferProgress(_ context.Context, q *request, _ *pbx.Channel) (response, error) {
	switch states := q.params.String("states"); states {
	case "":
		return response{}, wire.Errorf(http.StatusBadRequest, "Required parameter 'states' not provided.")
	case "channel_progress", "channel_answered", "channel_unavailable", "channel_declined":
		return noContent(), nil
	default:
		return response{}, wire.Errorf(http.StatusBadRequest, "Invalid 'states' parameter '%s'", states)
	}
}

// told answers 204 for an indication that a channel's technology may not know: it is
// then left out, as Asterisk does. A channel that has gone is 404.
func (s *Server) told(c *pbx.Channel, what string, err error) (response, error) {
	if errors.Is(err, pbx.ErrGone) || errors.Is(err, pbx.ErrOverloaded) {
		return response{}, err
	}
	if err != nil {
		s.log.Info("indication not possible", "channel", c.ID(), "indication", what, "error", err)
	}
	return noContent(), nil
}
