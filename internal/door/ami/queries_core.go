package ami

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/pbx"
	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// Errors of Options.Reload that have an answer of their own. Any other one is told as
// unknown and logged.
var (
	ErrNotReloadable = errors.New("this part has no configuration that could be loaded again")
	ErrReloading     = errors.New("the configuration is being loaded already")
)

// coreActions are about the server as a whole.
func (s *Server) coreActions() []action {
	return []action{
		{"CoreStatus", "Tell since when the server runs and how many calls there are.", wire.System | wire.Reporting, s.coreStatus},
		{"CoreSettings", "Tell versions and limits of the server.", wire.System | wire.Reporting, s.coreSettings},
		{"Command", "Carry out a command of the command line.", wire.Command, s.command},
		{"UserEvent", "Send an event of your own to all who listen to class user.", wire.UserClass, s.userEvent},
		{"Reload", "Load the configuration again, or a part of it.", wire.Config | wire.System, s.reload},
	}
}

// coreStatus tells times and calls (observed: Asterisk 22.10, trace s3). Until the first
// reload its time is that of the start.
func (s *Server) coreStatus(_ context.Context, q *request) answer {
	started, reloaded := s.o.Started.Local(), s.o.Started.Local()
	if s.o.Reloaded != nil {
		if at := s.o.Reloaded(); !at.IsZero() {
			reloaded = at.Local()
		}
	}
	st := s.sw.Stats()
	return answer{q.success().
		Add("CoreStartupDate", started.Format(time.DateOnly)).Add("CoreStartupTime", started.Format(time.TimeOnly)).
		Add("CoreReloadDate", reloaded.Format(time.DateOnly)).Add("CoreReloadTime", reloaded.Format(time.TimeOnly)).
		Add("CoreCurrentCalls", itoa(st.Calls)).Add("CoreProcessedCalls", itoa(int(st.CallsBegun)))}
}

// coreSettings tells what there is of Asterisk's settings; limits that do not exist here
// are 0 and empty, as there (observed: Asterisk 22.10, trace s3).
func (s *Server) coreSettings(_ context.Context, q *request) answer {
	return answer{q.success().
		Add("AMIversion", s.version).Add("AsteriskVersion", s.o.Version).Add("SystemName", s.o.SystemName).
		Add("CoreMaxCalls", itoa(s.o.MaxCalls)).Add("CoreMaxLoadAvg", "0.000000").
		Add("CoreRunUser", "").Add("CoreRunGroup", "").Add("CoreMaxFilehandles", "0").
		Add("CoreRealTimeEnabled", "No").Add("CoreCDRenabled", "Yes").Add("CoreHTTPenabled", yesOrNo(s.o.Config().Web)).
		Add("SoundsSearchCustomDir", "No")}
}

// blacklisted says whether a command is refused to everybody (spec: ami 3.2; Asterisk:
// manager.c check_blacklist).
func blacklisted(line string) bool {
	words := strings.Fields(strings.ToLower(line))
	for _, bad := range [...][2]string{{"module", "load"}, {"module", "unload"}, {"restart", "gracefully"}} {
		if len(words) >= 2 && words[0] == bad[0] && words[1] == bad[1] {
			return true
		}
	}
	return false
}

// command carries out a line and sends what it prints, line by line (spec: ami 1.2).
func (s *Server) command(ctx context.Context, q *request) answer {
	line := q.get("Command")
	switch {
	case line == "":
		return q.fail("No command provided")
	case blacklisted(line):
		return q.fail("Command blacklisted")
	case s.o.Command == nil:
		return q.fail("Commands are not available")
	}
	output, ok := s.o.Command(ctx, q.ask(), line)
	kind := "Success"
	if !ok {
		kind = "Error"
	}
	m := wire.Response(kind, q.id).Add("Message", "Command output follows")
	for text := range strings.SplitSeq(strings.TrimSuffix(output, "\n"), "\n") {
		m.Add("Output", text)
	}
	return answer{m}
}

// userEvent sends an event with the headers of the request in their order, ActionID among
// them (spec: ami 8; observed: Asterisk 22.10).
func (s *Server) userEvent(_ context.Context, q *request) answer {
	e := &UserEvent{Name: q.get("UserEvent")}
	for _, h := range q.packet.Headers {
		if !strings.EqualFold(h.Name, "Action") && !strings.EqualFold(h.Name, "UserEvent") {
			e.Headers = append(e.Headers, h)
		}
	}
	s.sw.Tell(pbx.Event{Type: eventUser, Data: e})
	return q.done("Event Sent")
}

// reload loads the configuration again (spec: ami 8; Asterisk: manager.c action_reload).
func (s *Server) reload(ctx context.Context, q *request) answer {
	if s.o.Reload == nil {
		return q.fail("No such module")
	}
	known, err := s.o.Reload(ctx, q.get("Module"))
	switch {
	case !known:
		return q.fail("No such module")
	case errors.Is(err, ErrNotReloadable):
		return q.fail("Module does not support reload")
	case errors.Is(err, ErrReloading):
		return q.fail("A reload is in progress")
	case err != nil:
		s.broke(ctx, q, err)
		return q.fail("An unknown error occurred")
	}
	return q.done("Module Reloaded")
}
