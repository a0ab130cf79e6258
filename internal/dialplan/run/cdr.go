package run

import (
	"maps"
	"sync"
)

// CDR is what the dialplan has said about the record of a call: the fields of
// CDR() that are not measured (spec: dialplan 6.1 CDR, CDR_PROP). The engine
// copies them into the record when the attempt ends. The zero value is a record
// of which nothing was said.
//
// Whoever reads or writes the exported fields holds the lock; Copy does it.
type CDR struct {
	mu sync.Mutex // guards the fields below

	UserField   string            // CDR(userfield): free text
	AccountCode string            // CHANNEL(accountcode): free text, for the record only; the account whose rights count is Snapshot.Account
	AMAFlags    string            // CHANNEL(amaflags): "DEFAULT", "OMIT", "BILLING", "DOCUMENTATION"; "" = DOCUMENTATION, as Asterisk's default
	PeerAccount string            // CHANNEL(peeraccount)
	Own         map[string]string // CDR(x) of names that are no field, names in lower case; nil = none
	Disabled    bool              // CDR_PROP(disable): no record is wanted
}

// Lock lets the caller read and write the fields until Unlock.
func (r *CDR) Lock() { r.mu.Lock() }

// Unlock ends what Lock began.
func (r *CDR) Unlock() { r.mu.Unlock() }

// Copy gives the fields as they are now, in a record of its own.
func (r *CDR) Copy() *CDR {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &CDR{
		UserField: r.UserField, AccountCode: r.AccountCode, AMAFlags: r.AMAFlags, PeerAccount: r.PeerAccount,
		Own: maps.Clone(r.Own), Disabled: r.Disabled,
	}
}

// CDR gives what the dialplan has said about the record of the channel's
// call. It never gives nil, and works on a channel that has gone. The account
// code begins as what the call was placed with.
func (x *Exec) CDR() *CDR {
	return x.Value("cdr", func() any { return &CDR{AccountCode: x.c.Snapshot().AccountCode} }).(*CDR)
}
