package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	minPassword   = 8
	maxLinkSecret = 256
)

// Secrets are new secrets in plain text. Nil ones stay as they are; "" removes one.
type Secrets struct {
	Password   *string
	Force      bool // take a password of fewer than 8 characters, as extensions of Switchvox have
	Digest     bool // keep HA1 for the realm too, when Password is set
	Realm      string
	LinkSecret *string
}

// words tells what becomes of the secrets, for the audit trail.
func (s Secrets) words() (out []string) {
	for _, c := range []struct {
		name string
		text *string
	}{{"password", s.Password}, {"link secret", s.LinkSecret}} {
		switch {
		case c.text == nil:
		case *c.text == "":
			out = append(out, "no "+c.name)
		default:
			out = append(out, "new "+c.name)
		}
	}
	if s.Digest {
		out = append(out, "with digest")
	}
	return out
}

// newHash checks a new password and gives its hash, "" to have none.
func (d *Directory) newHash(ctx context.Context, s Secrets) (string, error) {
	if s.Password == nil || *s.Password == "" {
		if s.Digest {
			return "", invalid("digest", "the digest is made from the password: give the password too")
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
		return invalid("password", "it is empty")
	case len(password) > maxPassword || !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return invalid("password", "use at most %d bytes of UTF-8 without control characters", maxPassword)
	case utf8.RuneCountInString(password) < minPassword && !force:
		return invalid("password", "use %d characters or more; one that is shorter needs force", minPassword)
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
	case d.o.Seal == nil:
		return errors.New("link secrets cannot be sealed here")
	default:
		if err := CheckLinkSecret(*l); err != nil {
			return err
		}
		r.LinkSecret = d.o.Seal(*l)
	}
	return nil
}

// CheckLinkSecret says why a text cannot be a link secret, an ErrInvalid.
func CheckLinkSecret(secret string) error {
	if secret == "" || len(secret) > maxLinkSecret || !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl) {
		return invalid("link_secret", "use at most %d bytes of UTF-8 without control characters", maxLinkSecret)
	}
	return nil
}

// NewLinkSecret makes a link secret: 26 letters and digits, more than 128 random bits.
func NewLinkSecret() string { return rand.Text() }
