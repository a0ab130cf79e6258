package config

// Dialproxy holds the settings of AstLinux's dialproxy.php.
type Dialproxy struct {
	// Serve it. Labels are entries DIALPROXY-LABEL of the family actionlist in AstDB. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Paths on the HTTP listener. Reload: live.
	Paths []string `toml:"paths"`
	// How numbers that begin with + are written in the dialplan, AstLinux's
	// DIALING_PREFIX_NUMBERS: international prefix, national prefix, country code and prefix of an
	// outside line, "00~0~49~". Empty = unset: only digits, * and # are kept. Reload: live.
	Prefixes string `toml:"prefixes"`
	// How long a refused request waits for its answer. Reload: live.
	Pause Duration `toml:"pause"`
	// Answer requests with debug, which show the number as it would be dialled. Reload: live.
	Debug bool `toml:"debug"`
	// Labels without a token and without allow= may be used by everybody who reaches the HTTP
	// listener, as in the original. Reload: live.
	Open bool `toml:"open"`
	// Answer mistakes with 400, 403, 404, 502 and 504 instead of 401, and do not tell whether a
	// label exists. Reload: live.
	StrictStatus bool `toml:"strict_status"`
	// Remove the trunk prefix in brackets only behind a country code: "+49 (0)89". The original
	// removes it from "(0)89" too. Reload: live.
	E164 bool `toml:"e164"`
	// Refuse GET, by which any page or mail can make a browser dial. Reload: live.
	POSTOnly bool `toml:"post_only"`
	// Most digits of a number. Reload: live.
	MaxDigits int `toml:"max_digits"`
	// Origins of web pages that may dial and read the answer: "https://crm.example.com". Reload: live.
	AllowedOrigins []string `toml:"allowed_origins"`
	// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. Reload: live.
	TrustedProxies []string `toml:"trusted_proxies"`
	// Most requests of one address in a minute; negative = unlimited. Reload: live.
	PerMinute int `toml:"per_minute"`
	// Most requests of one address that wait for a phone or a pause at once. Reload: live.
	Waiting int `toml:"waiting"`
	// On whose behalf it calls; empty means originate.account. Reload: live.
	Account string `toml:"account"`
	// What labels have beside their entries in AstDB. The table's key is the label, as
	// office in ext=office. Reload: live.
	Labels map[string]DialproxyLabel `toml:"labels"`
}

// DialproxyLabel is what the configuration says of a label.
type DialproxyLabel struct {
	// What a request must bring along, in the header X-Dialproxy-Token, as the form field token or as
	// password of HTTP Basic: plain, or an argon2id hash; empty = nothing. Reload: live.
	Token string `toml:"token"`
	// Refuse GET for this label. Reload: live.
	POSTOnly bool `toml:"post_only"`
	// Instead of dialproxy.prefixes; "none" = unset. Reload: live.
	Prefixes string `toml:"prefixes"`
	// On whose behalf it calls; empty means dialproxy.account. Reload: live.
	Account string `toml:"account"`
	// Most requests in a minute; 0 = unlimited. Reload: live.
	PerMinute int `toml:"per_minute"`
	// Most calls at once; 0 = unlimited. Reload: live.
	AtOnce int `toml:"at_once"`
}
