package config

// User is a person, a program or a place that has a number: who may ring which phone by a
// link, by a call of Vodia's or Switchvox's interfaces, and on whose account.
type User struct {
	// "user" (or empty): itself only; "tenant-admin": the users of its tenant; "admin": everybody;
	// "minter": makes login tokens for the users in mints, and nothing else. Reload: live.
	Role string `toml:"role"`
	// Hash of the password, as `dialwright config password` prints it; empty = it cannot log in
	// with one. Reload: live.
	Password string `toml:"password"`
	// For HTTP Digest, which cannot use the hash: MD5 of "user:Switchvox:password" as
	// `dialwright config password --digest` prints it; empty = no Digest. Reload: live.
	Digest string `toml:"digest"`
	// Secret that signs its links: plain, or sealed as `dialwright config seal` prints it;
	// empty = signed links are refused. Reload: live.
	LinkSecret string `toml:"link_secret"`
	// First name. Reload: live.
	FirstName string `toml:"first_name"`
	// Last name. Reload: live.
	LastName string `toml:"last_name"`
	// Address for mail. Reload: live.
	Email string `toml:"email"`
	// Phone that rings; empty means, for the role "user", the phone named like it before the @,
	// if there is one; "none" = none. Reload: live.
	Phone string `toml:"phone"`
	// On whose behalf it calls; empty means the tenant's, else the phone's, else
	// originate.account. Reload: live.
	Account string `toml:"account"`
	// It may not log in, and nobody may act for it. Reload: live.
	Disabled bool `toml:"disabled"`
	// Users for whom a minter may make tokens: "123@tenant.com", or "*@tenant.com". Reload: live.
	Mints []string `toml:"mints"`
	// Switchvox's account_id, digits; empty = Switchvox's interface does not know the user. Reload: live.
	ID string `toml:"id"`
	// Switchvox's type: "sip", "zap", "virtual", "ivr", "call_queue", "conference" and others;
	// empty = "sip" with a phone, else "virtual". Reload: live.
	Type string `toml:"type"`
	// Methods of Switchvox's interface that an admin may call, "*" = all; empty = all. Reload: live.
	Methods []string `toml:"methods"`
	// Digits put in front of numbers by their length, Switchvox's call API settings; the first that
	// fits counts: [{min = 11, max = 11, prepend = "9"}]. Reload: live.
	PrefixRules []PrefixRule `toml:"prefix_rules"`
	// Extensions that an admin may have rung first by Switchvox's interface; empty = all. Reload: live.
	Extensions []string `toml:"extensions"`
	// Prefixes of numbers that it may have dialled by Switchvox's interface; empty = what its
	// account may. Reload: live.
	Numbers []string `toml:"numbers"`
	// It may have numbers outside rung first by Switchvox's interface: "yes", "no", or empty for
	// switchvox.allow_external_first. Reload: live.
	External string `toml:"external_first"`
	// Its phone may be asked to answer by itself. Reload: live.
	AutoAnswer bool `toml:"auto_answer"`
}

// PrefixRule puts digits in front of numbers of some lengths.
type PrefixRule struct {
	// Fewest digits of the number. Reload: live.
	Min int `toml:"min"`
	// Most digits of the number. Reload: live.
	Max int `toml:"max"`
	// What is put in front. Reload: live.
	Prepend string `toml:"prepend"`
}

// Tenant is a company of its own on the server, with users of its own.
type Tenant struct {
	// On whose behalf its users call, where they have no account of their own. Reload: live.
	Account string `toml:"account"`
	// Other host names by which it is reached: "pbx.example.com". Reload: live.
	Hosts []string `toml:"hosts"`
}
