package directory

import "context"

// What follows is the contract of package directory; directory's author replaces it.

// New makes an empty directory. Configure and Load fill it.
func New(o Options) *Directory { return &Directory{o: o} }

// Configure puts the users and tenants of the configuration in force. tenants are names in
// lower case, hosts the other names by which they are reached.
func (d *Directory) Configure(users []Record, tenants []string, hosts map[string]string) {}

// Load reads the users of the store.
func (d *Directory) Load(ctx context.Context) error { return nil }

// User gives a user.
func (d *Directory) User(n Name) (User, bool) { return User{}, false }

// Users gives all users, in the order of tenant and name.
func (d *Directory) Users() []User { return nil }

// Tenants gives all tenants' names, in order: those configured and those of users.
func (d *Directory) Tenants() []string { return nil }

// ByID gives the user of a tenant ("" = of none) with a Switchvox account_id.
func (d *Directory) ByID(tenant, id string) (User, bool) { return User{}, false }

// ParseName reads "123@TENANT.com" or "123"; ok is false for what cannot be a name.
func ParseName(s string) (n Name, ok bool) { return Name{}, false }

// Resolve finds out whom a name means that somebody has typed (spec: vodia 2.3): with a
// tenant, that user. Without one, in this order: who is logged in, if its local part is the same;
// the user without a tenant; the only tenant's; the tenant that host (a Host header, the port does not matter) names; an
// administrator's own name. A system without tenants takes any tenant for its own. ok says that there is such a user.
func (d *Directory) Resolve(typed, host string, as *User) (u User, ok bool) { return User{}, false }

// CheckPassword says whether a user has a web password. It takes as long for unknown and
// disabled users, which have none. It waits for its turn to compute a hash until ctx ends. A
// right password is remembered under a keyed digest.
func (d *Directory) CheckPassword(ctx context.Context, n Name, password string) bool { return false }

// LinkSecret gives the secret that signs a user's links; ok is false if it has none.
func (d *Directory) LinkSecret(n Name) (secret string, ok bool) { return "", false }

// DigestHA1 gives the HA1 of a user for the realm of Switchvox.
func (d *Directory) DigestHA1(n Name) (ha1 string, ok bool) { return "", false }

// Put makes or changes a user of the store. Nil secrets stay as they are; "" removes one.
// ErrConfigured, ErrInvalid.
func (d *Directory) Put(ctx context.Context, u User, s Secrets) error { return nil }

// Secrets are new secrets in plain text.
type Secrets struct {
	Password   *string
	Digest     bool // keep HA1 for the realm too, when Password is set
	Realm      string
	LinkSecret *string
}

// Delete removes a user of the store. ErrUnknown, ErrConfigured.
func (d *Directory) Delete(ctx context.Context, n Name) error { return nil }
