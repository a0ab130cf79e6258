package ari

import (
	"context"
	"net/http"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// mailboxOperations are those of the resource mailboxes (spec: ari 4). A server
// without mailboxes answers as an Asterisk without the module: 404 on every path.
func (s *Server) mailboxOperations() map[string]operation {
	return map[string]operation{
		"mailboxes.list":   s.withMailboxes(s.listMailboxes),
		"mailboxes.get":    s.withMailboxes(s.getMailbox),
		"mailboxes.update": s.withMailboxes(s.updateMailbox),
		"mailboxes.delete": s.withMailboxes(s.deleteMailbox),
	}
}

var errNoMailbox = &wire.Error{Status: http.StatusNotFound, Message: "Mailbox not found"}

// withMailboxes refuses when the server has no mailboxes.
func (s *Server) withMailboxes(f operation) operation {
	return func(ctx context.Context, q *request) (response, error) {
		if s.o.Mailboxes == nil {
			return response{}, wire.Errorf(http.StatusNotFound, "Resource not found")
		}
		return f(ctx, q)
	}
}

func (s *Server) listMailboxes(ctx context.Context, _ *request) (response, error) {
	list, err := s.o.Mailboxes.List(ctx)
	if err != nil {
		return response{}, err
	}
	if list == nil {
		list = []wire.Mailbox{}
	}
	return ok(list), nil
}

func (s *Server) getMailbox(ctx context.Context, q *request) (response, error) {
	m, found, err := s.o.Mailboxes.Get(ctx, q.path["mailboxName"])
	switch {
	case err != nil:
		return response{}, err
	case !found:
		return response{}, errNoMailbox
	}
	return ok(m), nil
}

// updateMailbox sets the counts of a mailbox, which it makes if there is none.
func (s *Server) updateMailbox(ctx context.Context, q *request) (response, error) {
	m := wire.Mailbox{Name: q.path["mailboxName"]}
	for _, c := range []struct {
		name string
		n    *int
	}{{"oldMessages", &m.OldMessages}, {"newMessages", &m.NewMessages}} {
		if !q.params.Has(c.name) {
			return response{}, missingParameter(c.name)
		}
		if *c.n = q.params.Int(c.name, 0); *c.n < 0 {
			return response{}, wire.Errorf(http.StatusBadRequest, "%s cannot be negative", c.name)
		}
	}
	if err := s.o.Mailboxes.Set(ctx, m); err != nil {
		return response{}, err
	}
	return noContent(), nil
}

func (s *Server) deleteMailbox(ctx context.Context, q *request) (response, error) {
	existed, err := s.o.Mailboxes.Delete(ctx, q.path["mailboxName"])
	switch {
	case err != nil:
		return response{}, err
	case !existed:
		return response{}, errNoMailbox
	}
	return noContent(), nil
}
