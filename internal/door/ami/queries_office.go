package ami

import (
	"context"
	"encoding/base64"
	"strings"

	wire "github.com/dialwright/dialwright/internal/wire/ami"
)

// officeActions are about mailboxes, texts and call queues. There are no queues here:
// what lists them lists none, and what changes one does not find it.
func (s *Server) officeActions() []action {
	return []action{
		{"MailboxStatus", "Tell whether a mailbox has new messages.", wire.Call | wire.Reporting, s.mailboxStatus},
		{"MailboxCount", "Count the messages of a mailbox.", wire.Call | wire.Reporting, s.mailboxCount},
		{"VoicemailUsersList", "List the users of voicemail: there are none.", wire.Call | wire.Reporting, s.voicemailUsersList},
		{"MessageSend", "Send a text to a phone.", wire.MessageOf, s.messageSend},
		{"QueueStatus", "List queues with members and callers: there are none.", 0, s.queueList("Queue status will follow", "QueueStatusComplete")},
		{"QueueSummary", "Sum up queues: there are none.", 0, s.queueList("Queue summary will follow", "QueueSummaryComplete")},
		{"QueueRule", "Show rules of queues: there are none.", 0, s.queueRule},
		{"QueueReset", "Reset the statistics of queues: there are none.", 0, s.queueReset},
		{"QueueAdd", "Add a member to a queue: there are none.", wire.Agent, s.queueAdd},
		{"QueueRemove", "Remove a member from a queue: there are none.", wire.Agent, s.queueRemove},
		{"QueuePause", "Let a member of a queue pause: there are none.", wire.Agent, s.queuePause},
		{"QueuePenalty", "Set the penalty of a member: there are none.", wire.Agent, s.queuePenalty},
		{"QueueLog", "Write to the log of queues: there is none.", wire.Agent, s.queueLog},
	}
}

// messages counts those of the mailboxes that a request names, one or several with
// commas between; without @ they are in context default (Asterisk: app_voicemail.c).
func (s *Server) messages(ctx context.Context, q *request) (fresh, old int) {
	if s.o.Mailboxes == nil {
		return 0, 0
	}
	for box := range strings.SplitSeq(q.get("Mailbox"), ",") {
		if box = strings.TrimSpace(box); box == "" {
			continue
		}
		if !strings.Contains(box, "@") {
			box += "@default"
		}
		f, o, err := s.o.Mailboxes.Count(ctx, box)
		if err != nil {
			s.broke(ctx, q, err)
		}
		fresh, old = fresh+f, old+o
	}
	return fresh, old
}

func (s *Server) mailboxStatus(ctx context.Context, q *request) answer {
	box := q.get("Mailbox")
	if box == "" {
		return q.fail("Mailbox not specified")
	}
	fresh, _ := s.messages(ctx, q)
	return answer{q.success().Add("Message", "Mailbox Status").Add("Mailbox", box).Add("Waiting", oneOrZero(fresh > 0))}
}

func (s *Server) mailboxCount(ctx context.Context, q *request) answer {
	box := q.get("Mailbox")
	if box == "" {
		return q.fail("Mailbox not specified")
	}
	fresh, old := s.messages(ctx, q)
	return answer{q.success().Add("Message", "Mailbox Message Count").Add("Mailbox", box).
		Add("UrgMessages", "0").Add("NewMessages", itoa(fresh)).Add("OldMessages", itoa(old))}
}

func (s *Server) voicemailUsersList(_ context.Context, q *request) answer {
	return q.done("There are no voicemail users currently defined.")
}

// maxText is how long a text in Base64Body may be, in bytes (Asterisk: message.c
// action_messagesend).
const maxText = 1300

// messageSend sends a text. Destination, if given, is where it goes, and To what it shows;
// here both are the same (Asterisk: message.c action_messagesend).
func (s *Server) messageSend(ctx context.Context, q *request) answer {
	to := q.get("Destination")
	if to == "" {
		to = q.get("To")
	}
	if to == "" {
		return q.fail("No 'To' address specified.")
	}
	tech, _, _ := strings.Cut(to, ":")
	if s.o.Phones == nil || !strings.EqualFold(tech, "pjsip") && !strings.EqualFold(tech, "sip") {
		return q.fail("Message technology not found.")
	}
	body := q.get("Body")
	if coded := q.get("Base64Body"); coded != "" {
		text, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return q.fail("Message failed to send.")
		}
		body = string(text[:min(len(text), maxText)])
	}
	vars := map[string]string{}
	for _, v := range wire.ParseVariables(q.packet.All("Variable")) {
		vars[v.Name] = v.Value
	}
	if err := s.o.Phones.Message(ctx, q.get("From"), to, body, vars); err != nil {
		s.log.InfoContext(ctx, "text not sent", "door", "ami", "user", q.userName(), "error", err)
		return q.fail("Message failed to send.")
	}
	return q.done("Message successfully sent")
}

// queueList answers a list of queues, of which there are none, whichever is asked for.
func (s *Server) queueList(text, complete string) func(context.Context, *request) answer {
	return func(_ context.Context, q *request) answer { return q.list(text, complete, nil) }
}

func (s *Server) queueRule(_ context.Context, q *request) answer {
	if q.get("Rule") != "" {
		return q.fail("Invalid rule name specified")
	}
	return answer{q.success()}
}

func (s *Server) queueReset(_ context.Context, q *request) answer {
	return q.done("Queue stats reset successfully")
}

func (s *Server) queueAdd(_ context.Context, q *request) answer {
	switch {
	case q.get("Queue") == "":
		return q.fail("'Queue' not specified.")
	case q.get("Interface") == "":
		return q.fail("'Interface' not specified.")
	}
	return q.fail("Unable to add interface to queue: No such queue")
}

func (s *Server) queueRemove(_ context.Context, q *request) answer {
	if q.get("Queue") == "" || q.get("Interface") == "" {
		return q.fail("Need 'Queue' and 'Interface' parameters.")
	}
	return q.fail("Unable to remove interface from queue: No such queue")
}

func (s *Server) queuePause(_ context.Context, q *request) answer {
	if q.get("Interface") == "" || q.get("Paused") == "" {
		return q.fail("Need 'Interface' and 'Paused' parameters.")
	}
	return q.fail("Interface not found")
}

func (s *Server) queuePenalty(_ context.Context, q *request) answer {
	if q.get("Interface") == "" || q.get("Penalty") == "" {
		return q.fail("Need 'Interface' and 'Penalty' parameters.")
	}
	return q.fail("Invalid interface, queuename or penalty")
}

func (s *Server) queueLog(_ context.Context, q *request) answer {
	if q.get("Queue") == "" || q.get("Event") == "" {
		return q.fail("Need 'Queue' and 'Event' parameters.")
	}
	return q.fail("There is no log of queues")
}
