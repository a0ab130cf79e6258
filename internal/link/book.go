package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/directory"
)

// People is what links need of the directory.
type People interface {
	// User gives the user with exactly this name.
	User(n directory.Name) (directory.User, bool)
	// Resolve finds out whom a name means that somebody has typed.
	Resolve(typed, host string, as *directory.User) (directory.User, bool)
}

// Options are what a Book is made of. All are required.
type Options struct {
	Store  Store
	Signer *Signer
	People People
	// Check says why a new link could never place its call; nil = it could. What it
	// refuses it has written into the audit trail under the name of who asked.
	Check  func(ctx context.Context, l Link, u directory.User, by By) error
	Config func() Config
}

// Config is what can change while links are in use.
type Config struct {
	Base    string        // what links begin with, without a slash at the end: "https://dial.example.com"
	Life    time.Duration // of links that say nothing else; 0 = a day
	MaxLife time.Duration // of any link; 0 = unlimited
}

// By is who works on links.
type By struct {
	Name    string         // "key:crm", "local"
	Door    string         // by which it came: "rest", "cli"
	Asker   string         // its name in the audit trail: "crm", "local"
	Remote  string         // its address, "" = on this machine
	Account call.AccountID // whose links it sees; "" = all
}

// Book makes links, finds them and writes down what becomes of them. It is safe for
// concurrent use.
type Book struct{ o Options }

// New makes one.
func New(o Options) *Book { return &Book{o} }

// URL gives the address of a link. Whoever has it may use the link: it goes to nobody who could
// not have made it, and into no log.
func (b *Book) URL(l *Link) string {
	return strings.TrimRight(b.o.Config().Base, "/") + Prefix + l.ID + "." + b.o.Signer.Sign(l)
}

// Open finds a link by what its address says. The error is ErrUnknown, in the same time
// for an ID that there is not and a signature that is wrong, or that of the store.
func (b *Book) Open(ctx context.Context, id, signature string) (Link, error) {
	l, err := b.o.Store.Link(ctx, id)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return Link{}, err
	}
	known := err == nil
	if !known {
		l = Link{ID: id, User: "nobody@example.com", Dest: "+4930123456", Expires: time.Unix(1, 0), CreatedAt: time.Unix(1, 0)}
	}
	if right := b.o.Signer.Verify(&l, signature); !right || !known {
		return Link{}, ErrUnknown
	}
	return l, nil
}

// User gives the user of a link as it is now. ErrUser: it is gone or disabled, or
// calls on another account than when the link was made, for which its maker had no right.
func (b *Book) User(l *Link) (directory.User, error) {
	n, ok := directory.ParseName(l.User)
	if !ok {
		return directory.User{}, ErrUser
	}
	u, ok := b.o.People.User(n)
	if !ok || u.Disabled || u.Account != l.Account {
		return directory.User{}, ErrUser
	}
	return u, nil
}

// Begin counts a use of a link and gives its number. The error is that of Usable or of
// the store. What is begun must be settled.
func (b *Book) Begin(ctx context.Context, id string, u Use) (number int64, err error) {
	return b.o.Store.UseLink(ctx, id, u)
}

// Settle says what came of a use: a call, or why there is none.
func (b *Book) Settle(ctx context.Context, id string, number int64, placed call.ID, refused string) error {
	return b.o.Store.SettleLink(ctx, id, number, placed, refused)
}

// Log keeps a use that was refused before it was counted.
func (b *Book) Log(ctx context.Context, id string, u Use) error { return b.o.Store.LogLink(ctx, id, u) }

// Key is the idempotency key of the request that a use makes, under the principal
// Principal(id).
func Key(number int64) string { return fmt.Sprintf("use-%d", number) }

// Principal is the name of a link in requests and in the audit trail.
func Principal(id string) string { return "link:" + id }

// lost is what is written of a use whose request was never stored.
const lost = "the server stopped before the call was stored"

// Recover settles the uses that a server left open which has died. find gives the call
// that a principal of this door asked for with a key, "" if there is none.
func (b *Book) Recover(ctx context.Context, find func(ctx context.Context, principal, key string) (call.ID, error)) error {
	open, err := b.o.Store.OpenLinkUses(ctx)
	if err != nil {
		return err
	}
	for _, u := range open {
		id, err := find(ctx, Principal(u.ID), Key(u.Number))
		if err != nil {
			return err
		}
		refused := ""
		if id == "" {
			refused = lost
		}
		if err := b.Settle(ctx, u.ID, u.Number, id, refused); err != nil {
			return err
		}
	}
	return nil
}

// Get gives a link with its newest uses, if by may see it. ErrUnknown.
func (b *Book) Get(ctx context.Context, id string, by By) (Link, []Use, error) {
	l, err := b.visible(ctx, id, by)
	if err != nil {
		return Link{}, nil, err
	}
	uses, err := b.o.Store.LinkUses(ctx, id, MaxUses)
	return l, uses, err
}

// visible gives a link that by may see.
func (b *Book) visible(ctx context.Context, id string, by By) (Link, error) {
	l, err := b.o.Store.Link(ctx, id)
	if err == nil && by.Account != "" && by.Account != l.Account {
		return Link{}, ErrUnknown
	}
	return l, err
}

// List gives a page of what by may see, newest first.
func (b *Book) List(ctx context.Context, f Filter, by By) ([]Link, string, error) {
	if by.Account != "" {
		f.Account = by.Account
	}
	f.Now = time.Now()
	return b.o.Store.Links(ctx, f)
}

// Revoke ends a link for good, if by may see it. ErrUnknown.
func (b *Book) Revoke(ctx context.Context, id string, by By) (Link, error) {
	if _, err := b.visible(ctx, id, by); err != nil {
		return Link{}, err
	}
	return b.o.Store.RevokeLink(ctx, id, Act{At: now(), By: by.Name, Remote: by.Remote, Text: "link withdrawn by " + by.Name})
}

// pruneAtOnce bounds what one transaction deletes.
const pruneAtOnce = 500

// Prune deletes the links that were over before a time, with their uses.
func (b *Book) Prune(ctx context.Context, before time.Time) error {
	for {
		n, err := b.o.Store.PruneLinks(ctx, before, pruneAtOnce)
		if err != nil || n < pruneAtOnce {
			return err
		}
	}
}

// now gives the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
