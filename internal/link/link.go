// Package link is the signed links of our own: an address that, opened by whoever has it,
// rings one user's phone and connects it with one destination, within bounds that its
// maker has set.
//
// A link is https://HOST/link/ID.SIGNATURE. The ID finds it in the store, which has
// everything else; the signature, made with a key of this server, proves that the store's row is what was
// signed, and that nobody has guessed the ID.
package link

import (
	"context"
	"errors"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Link is one link.
type Link struct {
	ID        string    // 16 characters of [a-z2-7]
	User      string    // name of the user whose phone rings, "123@tenant.com"
	Dest      string    // destination as given: a number
	Name      string    // shown with it, "" = none
	Note      string    // for whoever looks at the list
	Connect   bool      // do not ask to press 1
	NotBefore time.Time // zero = at once
	Expires   time.Time // never zero
	Uses      int       // how often it may be used, 0 = any number of times
	Origins   []string  // origins of the web pages it works from, "https://crm.example.com"; empty = from everywhere
	CreatedAt time.Time
	CreatedBy string         // principal: "key:crm", "user:admin", "local"
	Account   call.AccountID // the user's at that time; who may see it
	RevokedAt time.Time      // zero = in force
	RevokedBy string

	Used   int       // calls that it has placed
	UsedAt time.Time // last time
}

// Use is one time that a link was opened to dial.
type Use struct {
	At      time.Time
	Remote  string  // address
	Origin  string  // web page, "" = none told
	Call    call.ID // "" = refused
	Refused string  // why, "" = placed
}

// Errors of links, found with errors.Is. Their texts are for whoever holds the link.
var (
	ErrUnknown = errors.New("this link is not valid")
	ErrExpired = errors.New("this link has expired")
	ErrEarly   = errors.New("this link is not valid yet")
	ErrUsed    = errors.New("this link was used already")
	ErrRevoked = errors.New("this link was withdrawn")
	ErrOrigin  = errors.New("this link does not work from this page")
	ErrInvalid = errors.New("invalid") // of a new link; wrapped with what is wrong
)

// Store keeps links. store/sqlite implements it.
type Store interface {
	AddLink(ctx context.Context, l Link) error
	// Link gives one, or ErrUnknown.
	Link(ctx context.Context, id string) (Link, error)
	// Links gives a page, newest first, and the cursor of the next. Account "" = of all.
	Links(ctx context.Context, account call.AccountID, cursor string, limit int) ([]Link, string, error)
	// UseLink counts a use unless the link is used up at that moment (ErrUsed), in one transaction; undo gives it back when no call was placed.
	UseLink(ctx context.Context, id string, at time.Time) error
	UndoLink(ctx context.Context, id string) error
	// LogLink keeps what came of opening a link.
	LogLink(ctx context.Context, id string, u Use) error
	// LinkUses gives the newest uses first.
	LinkUses(ctx context.Context, id string, limit int) ([]Use, error)
	// RevokeLink ends one; ErrUnknown.
	RevokeLink(ctx context.Context, id, by string, at time.Time) (Link, error)
}
