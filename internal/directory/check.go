package directory

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/dialwright/dialwright/internal/door/auth"
)

// MaxRuleDigits is the most digits of a number that a Rule can name.
const MaxRuleDigits = 32

// Mistake is what is wrong in a record. It shows no secret.
type Mistake struct {
	Field string // as the configuration and the API name it: "prefix_rules"
	Text  string // what is wrong and what to do
}

// Error gives "prefix_rules: …".
func (m Mistake) Error() string { return m.Field + ": " + m.Text }

// Mistakes gives all that is wrong in a record by itself, whatever the rest of the
// configuration says.
func (r *Record) Mistakes() []Mistake {
	c := &checker{r: r}
	c.names()
	c.role()
	c.secrets()
	c.switchvox()
	return c.list
}

// checker collects mistakes.
type checker struct {
	r    *Record
	list []Mistake
}

func (c *checker) wrong(field, format string, args ...any) {
	c.list = append(c.list, Mistake{field, fmt.Sprintf(format, args...)})
}

func (c *checker) names() {
	if n, ok := ParseName(c.r.Name.String()); !ok || n != c.r.Name {
		c.wrong("name", "%q cannot be a name: write 123@tenant.com, or 123 for a user without a tenant", c.r.Name.String())
	}
	for _, f := range []struct{ field, text string }{
		{"first_name", c.r.FirstName}, {"last_name", c.r.LastName}, {"email", c.r.Email}, {"phone", c.r.Phone}, {"account", string(c.r.Account)},
	} {
		if len(f.text) > 254 || strings.ContainsFunc(f.text, unicode.IsControl) {
			c.wrong(f.field, "write at most 254 bytes without control characters")
		}
	}
	if at := strings.IndexByte(c.r.Email, '@'); c.r.Email != "" && (at <= 0 || at == len(c.r.Email)-1 || strings.ContainsAny(c.r.Email, " <>,;")) {
		c.wrong("email", "%q is no address for mail", c.r.Email)
	}
}

func (c *checker) role() {
	switch c.r.Role {
	case RoleUser, RoleAdmin:
	case RoleTenantAdmin:
		if c.r.Name.Tenant == "" {
			c.wrong("role", "a tenant-admin needs a tenant: name it %s@tenant.com, or make it an admin", c.r.Name.Local)
		}
	case RoleMinter:
		if len(c.r.Mints) == 0 {
			c.wrong("mints", `a minter needs the users for whom it may make tokens: "123@tenant.com", or "*@tenant.com" for all of a tenant`)
		}
	default:
		c.wrong("role", "%q is not known; use user, tenant-admin, admin or minter", string(c.r.Role))
	}
	if len(c.r.Mints) > 0 && c.r.Role != RoleMinter {
		c.wrong("mints", "only a minter makes tokens for others in a list: set role to minter, or leave mints out")
	}
	for _, m := range c.r.Mints {
		if !validMint(m) {
			c.wrong("mints", `%q is no user: write "123@tenant.com", or "*@tenant.com" for all of a tenant`, m)
		}
	}
}

func validMint(m string) bool {
	if tenant, all := strings.CutPrefix(m, "*@"); all {
		return ValidTenant(tenant)
	}
	n, ok := ParseName(m)
	return ok && n.String() == m
}

func (c *checker) secrets() {
	if c.r.PasswordHash != "" {
		if err := auth.ValidHash(c.r.PasswordHash); err != nil {
			c.wrong("password", "%v; `dialwright config password` makes one", err)
		}
	}
	if c.r.Digest != "" && !isHA1.MatchString(c.r.Digest) {
		c.wrong("digest", "not 32 hexadecimal digits; `dialwright config password --digest` makes them")
	}
}

// The forms of what Switchvox knows of a user.
var (
	isHA1       = regexp.MustCompile(`^[0-9a-f]{32}$`)
	isID        = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)
	isType      = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)
	isMethod    = regexp.MustCompile(`^switchvox(\.[A-Za-z]{1,40}){1,5}$`)
	isExtension = regexp.MustCompile(`^[0-9A-Za-z*#._-]{1,32}$`)
	isPrefix    = regexp.MustCompile(`^\+?[0-9*#]{0,32}$`)
)

func (c *checker) switchvox() {
	if c.r.ID != "" && !isID.MatchString(c.r.ID) {
		c.wrong("id", "%q is no account_id of Switchvox: one to ten digits without a leading 0", c.r.ID)
	}
	if c.r.Type != "" && !isType.MatchString(c.r.Type) {
		c.wrong("type", "%q is no type of Switchvox: sip, zap, virtual, ivr, call_queue, conference …", c.r.Type)
	}
	for _, m := range c.r.Methods {
		if m != "*" && !isMethod.MatchString(m) {
			c.wrong("methods", `%q is no method: write "switchvox.call", or "*" for all`, m)
		}
	}
	if len(c.r.Methods) > 0 && c.r.Role != RoleAdmin {
		c.wrong("methods", "only an admin has a list of methods; others may call switchvox.users.… for themselves")
	}
	if len(c.r.Extensions) > 0 && c.r.Role != RoleAdmin {
		c.wrong("extensions", "only an admin rings others' extensions; leave it out")
	}
	for _, e := range c.r.Extensions {
		if !isExtension.MatchString(e) {
			c.wrong("extensions", "%q is no extension", e)
		}
	}
	for _, p := range c.r.Numbers {
		if p == "" || !isPrefix.MatchString(p) {
			c.wrong("numbers", `%q is no beginning of numbers: write digits, as "0049" or "+49"`, p)
		}
	}
	for i, r := range c.r.Rules {
		switch {
		case r.Min < 1 || r.Max < r.Min || r.Max > MaxRuleDigits:
			c.wrong("prefix_rules", "rule %d is for numbers of %d to %d digits; min must be 1 or more, and max from min to %d", i+1, r.Min, r.Max, MaxRuleDigits)
		case r.Prepend == "" || !isPrefix.MatchString(r.Prepend):
			c.wrong("prefix_rules", "rule %d puts %q in front: write digits", i+1, r.Prepend)
		}
	}
}

// check is Mistakes as one error, an ErrInvalid.
func (r *Record) check() error {
	list := r.Mistakes()
	if len(list) == 0 {
		return nil
	}
	errs := make([]error, len(list))
	for i, m := range list {
		errs[i] = m
	}
	return fmt.Errorf("%w: %w", ErrInvalid, errors.Join(slices.Compact(errs)...))
}

// invalid is one Mistake as an ErrInvalid.
func invalid(field, format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, Mistake{field, fmt.Sprintf(format, args...)})
}

// MistakesOf gives the Mistakes of an ErrInvalid.
func MistakesOf(err error) (out []Mistake) {
	switch e := err.(type) {
	case Mistake:
		out = append(out, e)
	case interface{ Unwrap() error }:
		out = MistakesOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			out = append(out, MistakesOf(part)...)
		}
	}
	return out
}
