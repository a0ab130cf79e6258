package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	minPassword   = 8
	maxLinkSecret = 256
	maxStored     = 100_000 // users that commands may make
)

// Secrets are new secrets in plain text.
type Secrets struct {
	Password   *string
	Force      bool // take a password of fewer than 8 characters, as extensions of Switchvox have
	Digest     bool // keep HA1 for the realm too, when Password is set
	Realm      string
	LinkSecret *string
}

// Stored gives a user as the store has it: Phone and Account are empty where the
// configuration decides, and Phone is "none" for a user without one.
func (d *Directory) Stored(n Name) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.stored[n]
	r.HasPassword, r.HasDigest, r.HasLink = r.PasswordHash != "", r.Digest != "", r.LinkSecret != ""
	return r.User, ok
}

// Put makes or changes a user of the store. Nil secrets stay as they are; "" removes one. A
// new password takes the HA1 of the old one with it, unless Digest makes a new one.
// ErrConfigured, ErrInvalid.
func (d *Directory) Put(ctx context.Context, u User, s Secrets) error {
	if d.o.Store == nil {
		return errors.New("users cannot be stored here")
	}
	hash, err := d.newHash(ctx, s)
	if err != nil {
		return err
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	d.mu.Lock()
	r, known := d.stored[u.Name]
	full := !known && len(d.stored) >= maxStored
	d.mu.Unlock()
	if full {
		return fmt.Errorf("%w: there are %d users already; remove some", ErrInvalid, maxStored)
	}
	made := r.CreatedAt
	if !known {
		made = time.Now().UTC().Truncate(time.Millisecond)
	}
	r.User = u
	r.Stored, r.CreatedAt = true, made
	if err := d.newSecrets(&r, s, hash); err != nil {
		return err
	}
	if err := d.admit(&r); err != nil {
		return err
	}
	if err := d.o.Store.PutUser(ctx, r); err != nil {
		return fmt.Errorf("store user %s: %w", u.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stored == nil {
		d.stored = map[Name]Record{}
	}
	d.stored[u.Name] = r
	d.build()
	return nil
}

// newHash checks a new password and gives its hash, "" to have none.
func (d *Directory) newHash(ctx context.Context, s Secrets) (string, error) {
	if s.Password == nil || *s.Password == "" {
		if s.Digest {
			return "", fmt.Errorf("%w: digest: the digest is made from the password: give the password too", ErrInvalid)
		}
		return "", nil
	}
	if err := CheckNewPassword(*s.Password, s.Force); err != nil {
		return "", err
	}
	select {
	case d.hashes <- struct{}{}:
		defer func() { <-d.hashes }()
		return d.o.Hash(*s.Password), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// CheckNewPassword says why a password cannot be given to a user, an ErrInvalid. force
// takes short ones.
func CheckNewPassword(password string, force bool) error {
	switch {
	case password == "":
		return fmt.Errorf("%w: password: it is empty", ErrInvalid)
	case len(password) > maxPassword || !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return fmt.Errorf("%w: password: use at most %d bytes of UTF-8 without control characters", ErrInvalid, maxPassword)
	case utf8.RuneCountInString(password) < minPassword && !force:
		return fmt.Errorf("%w: password: use %d characters or more; one that is shorter needs force", ErrInvalid, minPassword)
	}
	return nil
}

// newSecrets puts new secrets into a record.
func (d *Directory) newSecrets(r *Record, s Secrets, hash string) error {
	if s.Password != nil {
		r.PasswordHash, r.Digest = hash, ""
		if s.Digest {
			r.Digest = HA1(r.Name.Local, s.Realm, *s.Password)
		}
	}
	switch l := s.LinkSecret; {
	case l == nil:
	case *l == "":
		r.LinkSecret = ""
	case len(*l) > maxLinkSecret || !utf8.ValidString(*l) || strings.ContainsFunc(*l, unicode.IsControl):
		return fmt.Errorf("%w: link_secret: use at most %d bytes of UTF-8 without control characters", ErrInvalid, maxLinkSecret)
	case d.o.Seal == nil:
		return errors.New("link secrets cannot be sealed here")
	default:
		r.LinkSecret = d.o.Seal(*l)
	}
	return nil
}

// admit checks a record against the others and the configuration.
func (d *Directory) admit(r *Record) error {
	s := d.current.Load()
	if other := s.users[r.Name]; other != nil && !other.Stored {
		return ErrConfigured
	}
	if err := r.check(); err != nil {
		return err
	}
	if n, taken := s.ids[tenantID{r.Name.Tenant, r.ID}]; taken && r.ID != "" && n != r.Name {
		return fmt.Errorf("%w: id: %s is that of %s", ErrInvalid, r.ID, n)
	}
	if d.o.Fit == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.o.Fit(r.User); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// Delete removes a user of the store. ErrUnknown, ErrConfigured.
func (d *Directory) Delete(ctx context.Context, n Name) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	if r := d.current.Load().users[n]; r == nil {
		return ErrUnknown
	} else if !r.Stored {
		return ErrConfigured
	}
	if _, err := d.o.Store.DeleteUser(ctx, n); err != nil {
		return fmt.Errorf("remove user %s: %w", n, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.stored, n)
	d.build()
	return nil
}
