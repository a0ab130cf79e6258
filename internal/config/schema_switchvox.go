package config

// Switchvox holds the settings of Switchvox's call API.
type Switchvox struct {
	// Serve it: /xml and /json. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Realm of both logins. Digests in users belong to one realm. Reload: live.
	Realm string `toml:"realm"`
	// Ways to log in that are offered: "digest", "basic". Reload: live.
	Schemes []string `toml:"auth_schemes"`
	// How long a challenge of Digest may be used. Old clients use one for all requests. Reload: live.
	NonceLife Duration `toml:"nonce_life"`
	// Tenant whose users it knows; empty means those without a tenant. Reload: live.
	Tenant string `toml:"tenant"`
	// Write numbers in JSON as numbers, for clients older than 2014. Reload: live.
	JSONNumbers bool `toml:"json_numbers"`
	// Answer with the first error only, for clients that fail on several. Reload: live.
	FirstErrorOnly bool `toml:"first_error_only"`
	// A request that repeats one of the same login within 3 s, while that one still rings, has its
	// answer. The original makes a second call. Reload: live.
	Dedupe bool `toml:"dedupe"`
	// Fewest digits of an extension. Reload: live.
	MinExtension int `toml:"min_extension"`
	// Most digits of an extension. Reload: live.
	MaxExtension int `toml:"max_extension"`
	// The first number may be one outside. It costs twice and hides who calls. Reload: live.
	AllowExternalFirst bool `toml:"allow_external_first"`
	// Origins of web pages that may use it: "https://crm.example.com". Reload: live.
	AllowedOrigins []string `toml:"allowed_origins"`
	// Networks that may use it; empty = all. Reload: live.
	Networks []string `toml:"networks"`
	// Accept passwords over plain HTTP from other machines too. Reload: live.
	AllowPlainHTTP bool `toml:"allow_plain_http"`
	// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. Reload: live.
	TrustedProxies []string `toml:"trusted_proxies"`
	// Requests of one login that may wait for a phone at once. Reload: live.
	Pending int `toml:"pending"`
	// Names of variables that requests may set; each has a number, which answers show. The table's
	// key is the name: [switchvox.variables] balance = 3. Others are reported as not found, and not
	// set, unless pass_variables names them. Reload: live.
	Variables map[string]int `toml:"variables"`
	// Names of further variables that requests may set; answers report them as not found all the same.
	// "*" = all: then a request can set what the dialplan relies on. Reload: live.
	PassVariables []string `toml:"pass_variables"`
	// What switchvox.info.getSoftwareVersion says. Reload: live.
	Version string `toml:"version"`
}
