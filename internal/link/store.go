package link

import (
	"context"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// Act is something that was done with a link, for the audit trail.
type Act struct {
	At     time.Time
	By     string // "key:crm", "local"
	Remote string // address of who did it, "" = on this machine
	Text   string // in words; no signature
}

// Filter selects links. Zero fields do not restrict.
type Filter struct {
	Account call.AccountID
	User    string
	State   State
	Now     time.Time // for State
	Cursor  string    // next of the page before
	Limit   int       // 1-1000, 0 = 100
}

// OpenUse is a use that was counted and not settled.
type OpenUse struct {
	ID     string
	Number int64
}

// MaxUses is how many uses of one link are kept, the newest.
const MaxUses = 1000

// Store keeps links. store/sqlite implements it. Each method is one transaction, which is
// on the disk when it returns nil. What the audit trail gets is part of it.
type Store interface {
	// AddLink keeps a new link and writes the act into the audit trail.
	AddLink(ctx context.Context, l Link, a Act) error
	// Link gives one, or ErrUnknown.
	Link(ctx context.Context, id string) (Link, error)
	// Links gives a page, newest first, and the cursor of the next, "" at the end. ErrCursor.
	Links(ctx context.Context, f Filter) (list []Link, next string, err error)
	// UseLink counts a use and keeps it as open, if the link may be used at that time;
	// else the error is that of Usable, or ErrUnknown. u has At, Remote and Origin.
	UseLink(ctx context.Context, id string, u Use) (number int64, err error)
	// SettleLink says what came of a use: a call, or why there is none; then the use is
	// given back. A use that is settled already stays as it is.
	SettleLink(ctx context.Context, id string, number int64, placed call.ID, refused string) error
	// LogLink keeps a use that was refused before it was counted. ErrUnknown.
	LogLink(ctx context.Context, id string, u Use) error
	// LinkUses gives the newest uses first, MaxUses at most.
	LinkUses(ctx context.Context, id string, limit int) ([]Use, error)
	// OpenLinkUses gives the uses of all links that are not settled.
	OpenLinkUses(ctx context.Context) ([]OpenUse, error)
	// RevokeLink ends a link and writes the act into the audit trail; one that is
	// revoked already stays as it is. ErrUnknown.
	RevokeLink(ctx context.Context, id string, a Act) (Link, error)
	// PruneLinks deletes up to limit links that were over before a time, with their uses,
	// and says how many.
	PruneLinks(ctx context.Context, before time.Time, limit int) (int, error)
}
