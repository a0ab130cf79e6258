package ami

import (
	"context"
	"slices"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// queryActions are those that need no channel: they ask what there is, change AstDB, or
// have something done by the server as a whole.
func (s *Server) queryActions() []action {
	return slices.Concat(s.coreActions(), s.databaseActions(), s.dialplanActions(), s.stateActions(), s.endpointActions(), s.officeActions())
}

// broke logs an error that the client is told of in Asterisk's words only.
func (s *Server) broke(ctx context.Context, q *request, err error) {
	s.log.ErrorContext(ctx, "action failed", "door", "ami", "action", q.packet.Action(), "user", q.userName(), "remote", q.remote, "error", err)
}

func (q *request) userName() string {
	if q.user == nil {
		return ""
	}
	return q.user.Name
}

// success begins an answer that has no text.
func (q *request) success() *wire.Message { return wire.Response("Success", q.id) }
