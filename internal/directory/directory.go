package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dialwright/dialwright/internal/door/auth"
	"github.com/dialwright/dialwright/internal/seal"
)

// Errors of the directory, found with errors.Is.
var (
	ErrUnknown    = errors.New("no such user")
	ErrExists     = errors.New("there is such a user already")
	ErrConfigured = errors.New("the user is in the configuration; change it there")
	ErrInvalid    = errors.New("invalid") // comes with the Mistakes
)

// Record is a user with its secrets, as a source has them. None of the secrets is ever
// logged or shown.
type Record struct {
	User
	PasswordHash string // argon2id, PHC form; "" = none
	Digest       string // HA1: 32 hex digits of MD5 over "local:realm:password"; "" = none
	LinkSecret   string // sealed (package seal), or plain in the configuration; "" = none
}

// Store keeps the users that commands write. store/sqlite implements it. A change and its
// line in the audit trail are one transaction.
type Store interface {
	// Users gives all records, in the order of their names.
	Users(ctx context.Context) ([]Record, error)
	// PutUser makes or replaces a record.
	PutUser(ctx context.Context, r Record, a Act) error
	// DeleteUser removes one and says whether there was one; if not, nothing is audited.
	DeleteUser(ctx context.Context, n Name, a Act) (existed bool, err error)
}

// Options are what a directory is made of.
type Options struct {
	Store Store // nil = the configuration only
	// Open gives the text of a sealed link secret, or an error that says what to do; nil =
	// none can be opened.
	Open func(sealed string) (string, error)
	// Seal is the reverse; nil = link secrets cannot be set.
	Seal func(plain string) string
	// Fit gives a user the phone and the account that it leaves open, by the configuration in
	// force. The error says what that does not know; the user is good for use without it all
	// the same. nil = users are taken as they are. It is called while the directory is locked.
	Fit func(u User) (User, error)

	// Hash and CheckHash compute hashes of passwords; nil = argon2id at the usual cost.
	Hash      func(password string) string
	CheckHash func(hash, password string) bool
}

// Directory is the users in force. It is safe for concurrent use; reads cost no I/O.
type Directory struct {
	o       Options
	decoy   string        // hash that is computed for who has none
	secret  []byte        // keys the digests of remembered passwords
	hashes  chan struct{} // one token per hash being computed
	current atomic.Pointer[snapshot]

	changing sync.Mutex // held over a change and its I/O; taken before mu

	mu         sync.Mutex // guards what follows
	configured []Record
	tenants    []string          // of the configuration
	hosts      map[string]string // other names of tenants
	stored     map[Name]Record
	builds     uint64 // how often build has run
	remembered map[[sha256.Size]byte]right
}

// snapshot is what readers see. It is never changed.
type snapshot struct {
	users    map[Name]*Record // as Fit made them
	written  map[Name]User    // as their sources have them
	since    map[Name]uint64  // by which build a user could log in, and has been able to ever since
	troubles map[Name][]error
	list     []User
	tenants  []string
	hosts    map[string]string // every name of a tenant, its own too
	ids      map[tenantID]Name
	admins   map[string][]Name // system administrators by their local parts
	problems []error
}

// tenantID is a Switchvox account_id within a tenant.
type tenantID struct{ tenant, id string }

// New makes an empty directory. Configure and Load fill it.
func New(o Options) *Directory {
	if o.Hash == nil {
		o.Hash = auth.Hash
	}
	if o.CheckHash == nil {
		o.CheckHash = auth.CheckHash
	}
	d := &Directory{
		o: o, decoy: o.Hash(rand.Text()), secret: make([]byte, sha256.Size), hashes: make(chan struct{}, hashesAt),
		remembered: map[[sha256.Size]byte]right{},
	}
	rand.Read(d.secret) // never fails (crypto/rand)
	d.build()
	return d
}

// Configure puts the users and tenants of the configuration in force. tenants are names in
// lower case, hosts the other names by which they are reached.
func (d *Directory) Configure(users []Record, tenants []string, hosts map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.configured, d.tenants, d.hosts = slices.Clone(users), slices.Clone(tenants), maps.Clone(hosts)
	d.build()
}

// Load reads the users of the store.
func (d *Directory) Load(ctx context.Context) error {
	if d.o.Store == nil {
		return nil
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	list, err := d.o.Store.Users(ctx)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	stored := make(map[Name]Record, len(list))
	for _, r := range list {
		r.Stored = true
		stored[r.Name] = r
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stored = stored
	d.build()
	return nil
}

// ProblemsOf is Problems of one user, without its name.
func (d *Directory) ProblemsOf(n Name) []error { return d.current.Load().troubles[n] }

// Problems says what keeps users from being used as they are written, each with its name: a
// link secret that cannot be opened, a phone that is gone, an account_id that two have.
func (d *Directory) Problems() []error { return d.current.Load().problems }

// build makes what readers see. d.mu is held, except by New.
func (d *Directory) build() {
	d.builds++
	s := &snapshot{
		users: map[Name]*Record{}, since: map[Name]uint64{}, written: map[Name]User{}, troubles: map[Name][]error{}, hosts: map[string]string{}, ids: map[tenantID]Name{}, admins: map[string][]Name{},
	}
	for _, r := range d.configured {
		d.add(s, r)
	}
	for _, n := range slices.SortedFunc(maps.Keys(d.stored), CompareNames) {
		if _, hidden := s.users[n]; !hidden {
			d.add(s, d.stored[n])
		}
	}
	for _, t := range d.tenants {
		s.hosts[t] = t
	}
	before := d.current.Load()
	for n, r := range s.users {
		if !r.Disabled {
			s.since[n] = before.enabledSince(n, d.builds)
		}
		if n.Tenant != "" {
			s.hosts[n.Tenant] = n.Tenant
		}
		s.list = append(s.list, r.User)
	}
	s.tenants = slices.Sorted(maps.Keys(s.hosts))
	for host, tenant := range d.hosts {
		if _, taken := s.hosts[host]; !taken { // a tenant's own name comes first
			s.hosts[host] = tenant
		}
	}
	slices.SortFunc(s.list, func(a, b User) int { return CompareNames(a.Name, b.Name) })
	d.current.Store(s)
}

// enabledSince gives the build since which a user may log in, now if it could not before. s is nil
// before the first build.
func (s *snapshot) enabledSince(n Name, now uint64) uint64 {
	if s != nil {
		if at, ok := s.since[n]; ok {
			return at
		}
	}
	return now
}

// add puts a record into a snapshot.
func (d *Directory) add(s *snapshot, r Record) {
	problem := func(err error) {
		s.problems = append(s.problems, fmt.Errorf("user %s: %w", r.Name, err))
		s.troubles[r.Name] = append(s.troubles[r.Name], err)
	}
	r.HasPassword, r.HasDigest, r.HasLink = r.PasswordHash != "", r.Digest != "", r.LinkSecret != ""
	s.written[r.Name] = r.User
	if d.o.Fit != nil {
		u, err := d.o.Fit(r.User)
		if err != nil {
			problem(err)
		}
		r.User = u
	}
	if _, err := d.open(r.LinkSecret); err != nil {
		problem(fmt.Errorf("link secret: %w", err))
	}
	if r.ID != "" {
		key := tenantID{r.Name.Tenant, r.ID}
		if other, taken := s.ids[key]; taken {
			problem(fmt.Errorf("id %s is that of %s, which keeps it", r.ID, other))
		} else {
			s.ids[key] = r.Name
		}
	}
	if r.Role == RoleAdmin {
		s.admins[r.Name.Local] = append(s.admins[r.Name.Local], r.Name)
	}
	s.users[r.Name] = &r
}

// open gives a link secret in plain text.
func (d *Directory) open(secret string) (string, error) {
	if !seal.Sealed(secret) {
		return secret, nil
	}
	if d.o.Open == nil {
		return "", errors.New("there is no key that opens it")
	}
	return d.o.Open(secret)
}

// CompareNames orders names: negative if a comes first, by tenant, then local part.
func CompareNames(a, b Name) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Local, b.Local))
}
