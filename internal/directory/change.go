package directory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/dialwright/dialwright/internal/call"
)

// maxStored is how many users commands may make.
const maxStored = 100_000

// By says who changes a user, for the audit trail.
type By struct {
	Door      string // "rest", "cli"
	Principal string // name of the key, or "local"
	Remote    string // from which address, "" = this machine
}

// Act is a change as the audit trail keeps it. It shows no secret.
type Act struct {
	By
	At      time.Time
	Name    Name
	Account call.AccountID // of the user after the change; before it, if the user is removed
	Text    string         // "user changed: phone, new password"
}

// Create makes a user of the store. ErrExists, ErrConfigured, ErrInvalid.
func (d *Directory) Create(ctx context.Context, u User, s Secrets, by By) error {
	return d.change(ctx, u.Name, s, by, func(r *Record, known bool) (verb string, parts []string, err error) {
		if known {
			return "", nil, ErrExists
		}
		if d.storedCount() >= maxStored {
			return "", nil, invalid("name", "there are %d users already; remove some", maxStored)
		}
		r.User = u
		r.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
		return "user made", []string{"role " + string(u.Role)}, nil
	})
}

// Change changes a user of the store: edit gets it as it is written (see Written) and may
// change all but its name; its lists must be replaced, not written into. No other change
// comes between. A new password takes the HA1 of the
// old one with it, unless Digest makes a new one. ErrUnknown, ErrConfigured, ErrInvalid, and
// the error of edit.
func (d *Directory) Change(ctx context.Context, n Name, edit func(u *User) error, s Secrets, by By) error {
	return d.change(ctx, n, s, by, func(r *Record, known bool) (verb string, parts []string, err error) {
		if !known {
			return "", nil, ErrUnknown
		}
		old := r.User
		if err := edit(&r.User); err != nil {
			return "", nil, err
		}
		r.Name, r.CreatedAt = old.Name, old.CreatedAt
		return "user changed", differences(&old, &r.User), nil
	})
}

// differences names the fields in which two users differ, as people write them.
func differences(a, b *User) (out []string) {
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"role", a.Role, b.Role},
		{"name", [2]string{a.FirstName, a.LastName}, [2]string{b.FirstName, b.LastName}},
		{"email", a.Email, b.Email},
		{"phone", a.Phone, b.Phone},
		{"account", a.Account, b.Account},
		{"mints", a.Mints, b.Mints},
		{"id", a.ID, b.ID},
		{"type", a.Type, b.Type},
		{"methods", a.Methods, b.Methods},
		{"prefix rules", a.Rules, b.Rules},
		{"extensions", a.Extensions, b.Extensions},
		{"numbers", a.Numbers, b.Numbers},
		{"external first", a.External, b.External},
		{"auto-answer", a.AutoAnswer, b.AutoAnswer},
	} {
		if !reflect.DeepEqual(f.a, f.b) {
			out = append(out, f.name)
		}
	}
	switch {
	case a.Disabled && !b.Disabled:
		out = append(out, "enabled")
	case !a.Disabled && b.Disabled:
		out = append(out, "disabled")
	}
	return out
}

// change makes a record by make, which gets the one that is there, checks it, stores it and
// puts it in force.
func (d *Directory) change(ctx context.Context, n Name, s Secrets, by By, make func(r *Record, known bool) (verb string, parts []string, err error)) error {
	if d.o.Store == nil {
		return errNoStore
	}
	hash, err := d.newHash(ctx, s)
	if err != nil {
		return err
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	if other := d.current.Load().users[n]; other != nil && !other.Stored {
		return ErrConfigured
	}
	r, known := d.storedRecord(n)
	verb, parts, err := make(&r, known)
	if err != nil {
		return err
	}
	r.Stored = true
	if err := d.newSecrets(&r, s, hash); err != nil {
		return err
	}
	account, err := d.admit(&r)
	if err != nil {
		return err
	}
	act := Act{By: by, At: time.Now(), Name: n, Account: account, Text: verb + ": " + strings.Join(append(parts, s.words()...), ", ")}
	if err := d.o.Store.PutUser(ctx, r, act); err != nil {
		return fmt.Errorf("store user %s: %w", n, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stored == nil {
		d.stored = map[Name]Record{}
	}
	d.stored[n] = r
	d.build()
	return nil
}

var errNoStore = errors.New("users cannot be stored here")

// storedRecord gives the record of the store.
func (d *Directory) storedRecord(n Name) (r Record, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known = d.stored[n]
	return r, known
}

func (d *Directory) storedCount() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.stored)
}

// admit checks a record against the others and the configuration, and gives the account
// that it calls on.
func (d *Directory) admit(r *Record) (call.AccountID, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	if n, taken := d.current.Load().ids[tenantID{r.Name.Tenant, r.ID}]; taken && r.ID != "" && n != r.Name {
		return "", invalid("id", "%s is that of %s", r.ID, n)
	}
	if d.o.Fit == nil {
		return r.Account, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u, err := d.o.Fit(r.User)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return u.Account, nil
}

// Delete removes a user of the store, also one that the configuration hides. ErrUnknown,
// ErrConfigured.
func (d *Directory) Delete(ctx context.Context, n Name, by By) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	now := d.current.Load().users[n]
	switch _, stored := d.storedRecord(n); {
	case stored:
	case now != nil:
		return ErrConfigured
	default:
		return ErrUnknown
	}
	if _, err := d.o.Store.DeleteUser(ctx, n, Act{By: by, At: time.Now(), Name: n, Account: now.Account, Text: "user removed"}); err != nil {
		return fmt.Errorf("remove user %s: %w", n, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.stored, n)
	d.build()
	return nil
}
