package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/directory"
	doorlink "github.com/dialwright/dialwright/internal/door/link"
	"github.com/dialwright/dialwright/internal/door/rest"
	"github.com/dialwright/dialwright/internal/link"
	"github.com/dialwright/dialwright/internal/originate"
)

// linksPrunedEvery is how often old links are deleted.
const linksPrunedEvery = time.Hour

// startLinks opens the signed links, if they are switched on, and settles the uses that a
// server left open which has died.
func (a *App) startLinks(ctx context.Context) error {
	if !a.Config().Links.Enabled {
		return nil
	}
	a.links = link.New(link.Options{
		Store: a.store, Signer: link.NewSigner(a.box.Key("links")), People: a.people, Check: a.checkLink,
		Config: func() link.Config {
			c := a.Config().Links
			return link.Config{Base: a.linkBase(), Life: c.Life.Duration, MaxLife: c.MaxLife.Duration}
		},
	})
	if err := a.links.Recover(ctx, a.findLinkCall); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until it is torn down
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.pruneLinks(run)
	}()
	a.stack.push("links", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}

// findLinkCall gives the call that a link asked for with a key, "" if there is none.
func (a *App) findLinkCall(ctx context.Context, principal, key string) (call.ID, error) {
	c, err := a.originator.Find(ctx, originate.Key{Door: doorlink.DoorName, Principal: principal, ID: key})
	if r, ok := errors.AsType[*originate.Refusal](err); ok && r.Code == originate.RefusedNotFound {
		return "", nil
	}
	return c.ID, err
}

// pruneLinks deletes links that have been over for long, now and then, until ctx ends.
func (a *App) pruneLinks(ctx context.Context) {
	t := time.NewTicker(linksPrunedEvery)
	defer t.Stop()
	for {
		if keep := a.Config().Links.Keep.Duration; keep > 0 {
			if err := a.links.Prune(ctx, time.Now().Add(-keep)); err != nil && ctx.Err() == nil {
				a.log.ErrorContext(ctx, "old links cannot be deleted", "error", err)
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// linkBase is what links begin with: links.base_url, else the address of the HTTP
// listener, "" without one. A listener on all addresses is named like this machine.
func (a *App) linkBase() string {
	if base := a.Config().Links.BaseURL; base != "" {
		return base
	}
	return a.ownBase()
}

// ownBase is the address of the HTTP listener, "" without one.
func (a *App) ownBase() string {
	if a.httpAddr == nil {
		return ""
	}
	scheme := "http://"
	if a.Config().HTTP.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + a.seen(a.httpAddr.String())
}

// checkLink is link.Options.Check: the guard's answer to the call that a link would place,
// asked for by who makes the link.
func (a *App) checkLink(ctx context.Context, l link.Link, u directory.User, by link.By) error {
	phone, ok := a.Config().Phones[u.Phone]
	switch {
	case a.linkBase() == "":
		return &rest.Refusal{Code: "state", Text: "Links are served by the HTTP listener, which is switched off. Set http.listen."}
	case u.Phone == "" || !ok:
		return &link.Invalid{Field: "user", Text: "The user " + l.User + " has no phone that could ring. Give it one."}
	}
	to, _ := a.destination(u, l.Dest)
	err := a.originator.Judge(ctx, call.Request{
		Origin:  call.Origin{Door: by.Door, Principal: by.Asker, Remote: by.Remote, Reference: l.Dest},
		Account: u.Account, First: call.Endpoint("PJSIP/" + u.Phone), CallerID: a.identity(u, phone),
		Then: call.Then{Kind: call.ThenConnect, Second: to, Confirm: !l.Connect},
	})
	r, ok := errors.AsType[*originate.Refusal](err)
	if !ok {
		return err
	}
	out := toRefusal(r)
	switch { // the link's body has other fields than a call's
	case strings.HasSuffix(r.Field, "second"):
		out.Field = "number"
	case r.Field != "":
		out.Field = "user"
	}
	return out
}

// restLinks gives the REST door its links, nil if they are switched off.
func (a *App) restLinks() rest.Links {
	if a.links == nil {
		return nil
	}
	return a.links
}

// linkTrail is doorlink.Trail.
type linkTrail struct{ a *App }

// Deny is doorlink.Trail.
func (t linkTrail) Deny(ctx context.Context, e originate.AuditEntry) { t.a.denied(ctx, e) }

// newLinks makes the door of signed links, if they are switched on.
func (a *App) newLinks() *doorlink.Door {
	if a.links == nil {
		return nil
	}
	shape := newShape(func(c *config.Config) *doorlink.Config {
		return &doorlink.Config{Base: c.Links.BaseURL, TrustedProxies: checked(c.Links.TrustedProxies), PerMinute: c.Links.PerMinute}
	})
	return doorlink.New(doorlink.Options{
		Links: a.links, Placer: clicker{a}, Trail: linkTrail{a}, Log: a.log,
		Config: func() *doorlink.Config { return shape.of(a.Config()) },
	})
}
