package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// Links are the signed links. *link.Book is one.
type Links interface {
	// Create makes a link. The error is a *link.Invalid, or a *Refusal if its call would be
	// refused.
	Create(ctx context.Context, n link.Draft, by link.By) (link.Link, error)
	URL(l *link.Link) string
	// Get, List and Revoke are about what by may see. The error is link.ErrUnknown, or for a
	// cursor originate.ErrCursor.
	Get(ctx context.Context, id string, by link.By) (link.Link, []link.Use, error)
	List(ctx context.Context, f link.Filter, by link.By) ([]link.Link, string, error)
	Revoke(ctx context.Context, id string, by link.By) (link.Link, error)
}

// NewLink is the body that asks for a link.
type NewLink struct {
	User      string     `json:"user" minLength:"1" maxLength:"256" example:"123@tenant.com" doc:"Whose phone rings first"`
	Number    string     `json:"number" minLength:"1" maxLength:"128" example:"+49 30 123456" doc:"Who is then dialled and connected"`
	Name      string     `json:"name,omitempty" maxLength:"200" doc:"Name shown with the number"`
	Note      string     `json:"note,omitempty" maxLength:"200" doc:"Shown in lists only"`
	Connect   bool       `json:"connect,omitempty" doc:"Do not ask to press 1 before the second party is dialled"`
	Direct    bool       `json:"direct,omitempty" doc:"A click on the link dials at once, without the page in between; not together with origins"`
	NotBefore *time.Time `json:"not_before,omitempty" doc:"From when it is valid; absent = at once"`
	Expires   *time.Time `json:"expires,omitempty" doc:"Until when it is valid; absent = as life says"`
	Life      Seconds    `json:"life,omitempty" doc:"How long it is valid; absent = links.life"`
	Uses      int        `json:"uses,omitempty" minimum:"0" maximum:"1000000" doc:"How often it may be used; 0 = any number of times"`
	Origins   []string   `json:"origins,omitempty" maxItems:"20" nullable:"false" doc:"It works from web pages of these origins only: https://crm.example.com"`
}

func (n *NewLink) draft() link.Draft {
	d := link.Draft{
		User: n.User, Number: n.Number, Name: n.Name, Note: n.Note, Connect: n.Connect, Direct: n.Direct,
		Life: time.Duration(n.Life), Uses: n.Uses, Origins: n.Origins,
	}
	if n.NotBefore != nil {
		d.NotBefore = *n.NotBefore
	}
	if n.Expires != nil {
		d.Expires = *n.Expires
	}
	return d
}

// Link is a link as shown.
type Link struct {
	ID        string    `json:"id"`
	URL       string    `json:"url,omitempty" doc:"The link. Whoever has it may use it, so it is shown to keys only that may make links"`
	State     string    `json:"state" enum:"early,active,expired,used,revoked"`
	User      string    `json:"user"`
	Number    string    `json:"number"`
	Name      string    `json:"name,omitempty"`
	Note      string    `json:"note,omitempty"`
	Connect   bool      `json:"connect,omitempty"`
	Direct    bool      `json:"direct,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero" required:"false"`
	Expires   time.Time `json:"expires"`
	Uses      int       `json:"uses" doc:"How often it may be used; 0 = any number of times"`
	Used      int       `json:"used" doc:"How often it was"`
	UsedAt    time.Time `json:"used_at,omitzero" required:"false" doc:"Last time"`
	Origins   []string  `json:"origins,omitempty" nullable:"false"`
	Account   string    `json:"account"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by" doc:"local, or the name of the key: key:crm"`
	RevokedAt time.Time `json:"revoked_at,omitzero" required:"false"`
	RevokedBy string    `json:"revoked_by,omitempty"`
}

// LinkUse is one time that a link was opened to dial.
type LinkUse struct {
	At      time.Time `json:"at"`
	Remote  string    `json:"remote" doc:"Address of who opened it"`
	Origin  string    `json:"origin,omitempty" doc:"Origin of the web page"`
	Call    string    `json:"call,omitempty" doc:"ID of the call; absent if none was placed"`
	Outcome string    `json:"outcome,omitempty" doc:"What became of the call: its disposition, or its state while it goes on; of the newest hundred, while the call is kept"`
	Refused string    `json:"refused,omitempty" doc:"Why no call was placed"`
}

// links gives the links, or says that there are none.
func (s *Server) links() (Links, error) {
	if s.o.Links == nil {
		return nil, &Refusal{Code: "not-found", Text: "This server serves no links; set links.enabled."}
	}
	return s.o.Links, nil
}

// by says who works on links.
func (s *Server) by(ctx context.Context) link.By {
	p := principal(ctx)
	b := link.By{Name: p.Name, Door: doorOf(p), Asker: p.Name, Remote: remoteFrom(ctx), Account: s.visible(ctx)}
	if b.Door == "rest" {
		b.Name = "key:" + p.Name
	}
	return b
}

// viewLink shows a link, with its address if who asks might have made it.
func (s *Server) viewLink(ctx context.Context, links Links, l *link.Link) Link {
	v := Link{
		ID: l.ID, State: string(l.State(time.Now())), User: l.User, Number: l.Dest, Name: l.Name, Note: l.Note, Connect: l.Connect, Direct: l.Direct,
		NotBefore: l.NotBefore, Expires: l.Expires, Uses: l.Uses, Used: l.Used, UsedAt: l.UsedAt, Origins: l.Origins, Account: string(l.Account),
		CreatedAt: l.CreatedAt, CreatedBy: l.CreatedBy, RevokedAt: l.RevokedAt, RevokedBy: l.RevokedBy,
	}
	if principal(ctx).Can(auth.CallsWrite) {
		v.URL = links.URL(l)
	}
	return v
}

// linkError translates the errors of links.
func linkError(err error) error {
	if e, ok := errors.AsType[*link.Invalid](err); ok {
		return &Refusal{Code: "invalid", Field: e.Field, Text: e.Text}
	}
	switch {
	case errors.Is(err, link.ErrUnknown):
		return &Refusal{Code: "not-found", Text: "There is no such link."}
	case errors.Is(err, originate.ErrCursor):
		return &Refusal{Code: "invalid", Field: "cursor", Text: "The cursor is not valid; begin without one."}
	}
	return err
}

type newLinkInput struct{ Body NewLink }

type linkOutput struct{ Body Link }

func (s *Server) createLink(ctx context.Context, in *newLinkInput) (*linkOutput, error) {
	links, err := s.links()
	if err != nil {
		return nil, err
	}
	l, err := links.Create(ctx, in.Body.draft(), s.by(ctx))
	if err != nil {
		return nil, linkError(err)
	}
	return &linkOutput{s.viewLink(ctx, links, &l)}, nil
}

type linksInput struct {
	User   string `query:"user" maxLength:"256" doc:"Links of this user only, by its whole name"`
	State  string `query:"state" enum:"early,active,expired,used,revoked" doc:"Links in this state only"`
	Cursor string `query:"cursor" maxLength:"128" doc:"next of the previous page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type linksOutput struct {
	Body struct {
		Links []Link `json:"links" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	}
}

func (s *Server) listLinks(ctx context.Context, in *linksInput) (*linksOutput, error) {
	links, err := s.links()
	if err != nil {
		return nil, err
	}
	list, next, err := links.List(ctx, link.Filter{User: in.User, State: link.State(in.State), Cursor: in.Cursor, Limit: in.Limit}, s.by(ctx))
	if err != nil {
		return nil, linkError(err)
	}
	out := &linksOutput{}
	out.Body.Links, out.Body.Next = []Link{}, next
	for i := range list {
		out.Body.Links = append(out.Body.Links, s.viewLink(ctx, links, &list[i]))
	}
	return out, nil
}

type linkIDInput struct {
	ID string `path:"id" maxLength:"64" doc:"Link ID"`
}

// LinkDetail is a link with its uses.
type LinkDetail struct {
	Link
	History []LinkUse `json:"history" nullable:"false" doc:"Newest first, the last thousand"`
}

type linkDetailOutput struct{ Body LinkDetail }

// maxOutcomes is for how many uses it is said what became of their calls.
const maxOutcomes = 100

func (s *Server) getLink(ctx context.Context, in *linkIDInput) (*linkDetailOutput, error) {
	links, err := s.links()
	if err != nil {
		return nil, err
	}
	l, uses, err := links.Get(ctx, in.ID, s.by(ctx))
	if err != nil {
		return nil, linkError(err)
	}
	out := &linkDetailOutput{LinkDetail{Link: s.viewLink(ctx, links, &l), History: []LinkUse{}}}
	for i, u := range uses {
		v := LinkUse{At: u.At, Remote: u.Remote, Origin: u.Origin, Call: string(u.Call), Refused: u.Refused}
		if u.Call != "" && i < maxOutcomes {
			v.Outcome = s.outcomeOf(ctx, u.Call)
		}
		out.Body.History = append(out.Body.History, v)
	}
	return out, nil
}

// outcomeOf says what became of a call, "" if it is no longer kept.
func (s *Server) outcomeOf(ctx context.Context, id call.ID) string {
	c, err := s.o.Calls.Get(ctx, id)
	switch {
	case err != nil:
		return ""
	case c.Last != nil && c.State.Done():
		return string(c.Last.Disposition)
	}
	return string(c.State)
}

func (s *Server) revokeLink(ctx context.Context, in *linkIDInput) (*linkOutput, error) {
	links, err := s.links()
	if err != nil {
		return nil, err
	}
	l, err := links.Revoke(ctx, in.ID, s.by(ctx))
	if err != nil {
		return nil, linkError(err)
	}
	return &linkOutput{s.viewLink(ctx, links, &l)}, nil
}

// registerLinks lists the operations of links.
func (s *Server) registerLinks(op func(method, path, id, tag, summary string) huma.Operation) {
	create := op("POST", "/v1/links", "create-link", "links", "Make a signed link: whoever opens it has a user's phone rung and connected with a number")
	create.DefaultStatus = http.StatusCreated
	create.Errors = []int{http.StatusUnprocessableEntity}
	operation(s, create, auth.CallsWrite, s.createLink)
	operation(s, op("GET", "/v1/links", "list-links", "links", "List links, newest first"), auth.CallsRead, s.listLinks)
	operation(s, op("GET", "/v1/links/{id}", "get-link", "links", "One link, with what it was used for"), auth.CallsRead, s.getLink)
	operation(s, op("POST", "/v1/links/{id}/revoke", "revoke-link", "links", "End a link for good"), auth.CallsWrite, s.revokeLink)
}
