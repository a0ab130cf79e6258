package apikey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dialwright/dialwright/internal/call"
	"github.com/dialwright/dialwright/internal/door/auth"
)

// maxStored is how many keys commands may make; revoked ones count until their name is used
// again.
const maxStored = 1000

// nameForm is that of names in the configuration: letters, digits, - and _, so that the
// key says which one it is.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Options are what a Book is made of; all are required.
type Options struct {
	Store Store
	Keys  *auth.Keys // told of every change
	// Account says whether there is an account of a name.
	Account func(call.AccountID) bool
}

// Book is the keys of a server. It is safe for concurrent use.
type Book struct {
	o Options

	mu         sync.Mutex // held over a change and its I/O; guards what follows
	configured map[string]auth.Entry
	stored     map[string]Record
	uses       map[string]auth.Use // those that are stored
}

// Open reads the keys of the store. Configure puts them in force.
func Open(ctx context.Context, o Options) (*Book, error) {
	b := &Book{o: o, stored: map[string]Record{}}
	list, err := o.Store.APIKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API keys: %w", err)
	}
	for _, r := range list {
		b.stored[r.Name] = r
	}
	if b.uses, err = o.Store.APIKeyUses(ctx); err != nil {
		return nil, fmt.Errorf("read the uses of API keys: %w", err)
	}
	return b, nil
}

// Configure puts the keys of the configuration in force, and the stored ones that they do not
// hide. The error names every hash that cannot be read; then nothing changes.
func (b *Book) Configure(entries []auth.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := make(map[string]auth.Entry, len(entries))
	for _, e := range entries {
		next[e.Name] = e
	}
	if err := b.enforce(next, b.stored); err != nil {
		return err
	}
	b.configured = next
	return nil
}

// enforce tells who checks keys which there are. b.mu is held.
func (b *Book) enforce(configured map[string]auth.Entry, stored map[string]Record) error {
	all := slices.Collect(maps.Values(configured))
	for name, r := range stored {
		if _, hidden := configured[name]; !hidden && r.RevokedAt.IsZero() {
			all = append(all, auth.Entry{Name: name, Hash: r.Hash, Account: r.Account, Scopes: r.Scopes})
		}
	}
	return b.o.Keys.Replace(all)
}

// Create makes a key and gives it: it is never shown again. The error is ErrExists,
// ErrConfigured or an *Invalid.
func (b *Book) Create(ctx context.Context, k Key, by By) (Key, string, error) {
	if err := b.check(&k); err != nil {
		return Key{}, "", err
	}
	secret := auth.NewKey(k.Name)
	hash := auth.Hash(secret) // before the lock: it takes its time
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.configured[k.Name]; ok {
		return Key{}, "", ErrConfigured
	}
	old, known := b.stored[k.Name]
	switch {
	case known && old.RevokedAt.IsZero():
		return Key{}, "", ErrExists
	case !known && len(b.stored) >= maxStored:
		return Key{}, "", &Invalid{"name", fmt.Sprintf("There are %d keys already. Use the name of one that was revoked.", maxStored)}
	}
	k.Stored, k.CreatedAt, k.CreatedBy = true, time.Now().UTC().Truncate(time.Millisecond), by.Name
	k.RevokedAt, k.RevokedBy, k.Use = time.Time{}, "", auth.Use{}
	if err := b.flush(ctx); err != nil { // what was counted belongs to the one before
		return Key{}, "", err
	}
	r := Record{Key: k, Hash: hash}
	act := Act{By: by, At: k.CreatedAt, Key: k.Name, Account: k.Account, Text: "key made: " + words(k.Scopes)}
	if err := b.o.Store.PutAPIKey(ctx, r, act); err != nil {
		return Key{}, "", fmt.Errorf("store key %s: %w", k.Name, err)
	}
	b.stored[k.Name] = r
	delete(b.uses, k.Name)
	return k, secret, b.enforce(b.configured, b.stored)
}

// check completes a key that somebody wants.
func (b *Book) check(k *Key) error {
	if !nameForm.MatchString(k.Name) {
		return &Invalid{"name", "Use letters, digits, - and _ in a name, at most 64."}
	}
	if k.Name == auth.Local().Name || strings.HasPrefix(k.Name, "console") {
		return &Invalid{"name", "Requests of the command line and of the console are shown under this name. Take another one."}
	}
	if k.Account != "" && !b.o.Account(k.Account) {
		return &Invalid{"account", "There is no account " + string(k.Account) + "."}
	}
	scopes := []auth.Scope{}
	for _, s := range auth.Scopes() {
		if slices.Contains(k.Scopes, s) {
			scopes = append(scopes, s)
		}
	}
	for _, s := range k.Scopes {
		if !slices.Contains(scopes, s) {
			return &Invalid{"scopes", fmt.Sprintf("There is no scope %q; there are: %s.", s, words(auth.Scopes()))}
		}
	}
	if len(scopes) == 0 {
		return &Invalid{"scopes", "A key without a scope may do nothing; there are: " + words(auth.Scopes()) + "."}
	}
	k.Scopes = scopes
	return nil
}

func words(scopes []auth.Scope) string {
	var out []string
	for _, s := range scopes {
		out = append(out, string(s))
	}
	return strings.Join(out, " ")
}

// Revoke ends a stored key at once and for good. The error is ErrUnknown, also for one that
// was revoked before, or ErrConfigured.
func (b *Book) Revoke(ctx context.Context, name string, by By) (Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.stored[name]
	if !ok || !r.RevokedAt.IsZero() {
		if _, configured := b.configured[name]; configured {
			return Key{}, ErrConfigured
		}
		return Key{}, ErrUnknown
	}
	r.RevokedAt, r.RevokedBy = time.Now().UTC().Truncate(time.Millisecond), by.Name
	act := Act{By: by, At: r.RevokedAt, Key: name, Account: r.Account, Text: "key revoked"}
	if err := b.o.Store.RevokeAPIKey(ctx, name, act); err != nil {
		return Key{}, fmt.Errorf("revoke key %s: %w", name, err)
	}
	b.stored[name] = r
	return b.shown(r.Key), b.enforce(b.configured, b.stored)
}

// List gives all keys, by name. Those that the configuration hides are not among them.
func (b *Book) List(ctx context.Context) ([]Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.flush(ctx); err != nil {
		return nil, err
	}
	var out []Key
	for name, e := range b.configured {
		out = append(out, b.shown(Key{Name: name, Account: e.Account, Scopes: e.Scopes}))
	}
	for name, r := range b.stored {
		if _, hides := b.configured[name]; !hides {
			out = append(out, b.shown(r.Key))
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// shown gives a key with its uses. b.mu is held.
func (b *Book) shown(k Key) Key {
	k.Use = b.uses[k.Name]
	k.Scopes = slices.Clone(k.Scopes)
	return k
}

// Flush stores how often keys were used since the last time.
func (b *Book) Flush(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flush(ctx)
}

func (b *Book) flush(ctx context.Context) error {
	uses := b.o.Keys.TakeUses()
	if len(uses) == 0 {
		return nil
	}
	if err := b.o.Store.AddAPIKeyUses(ctx, uses); err != nil {
		b.o.Keys.GiveUses(uses)
		return fmt.Errorf("store the uses of API keys: %w", err)
	}
	for name, u := range uses {
		b.uses[name] = b.uses[name].Add(u)
	}
	return nil
}

// Keep flushes every so often until ctx ends, and then once more. failed is told of errors.
func (b *Book) Keep(ctx context.Context, every time.Duration, failed func(error)) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := b.Flush(ctx); err != nil && !errors.Is(err, context.Canceled) {
				failed(err)
			}
		case <-ctx.Done():
			if err := b.Flush(context.WithoutCancel(ctx)); err != nil { // it is the last chance
				failed(err)
			}
			return
		}
	}
}
