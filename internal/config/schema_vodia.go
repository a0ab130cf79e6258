package config

// Vodia holds the settings of Vodia's click-to-dial interfaces.
type Vodia struct {
	// Serve them: /remote_call.htm, /rest/user/…/calls, /rest/system/session, /rest/pbxlogin,
	// /websocket, /js/callback.js. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Realm that a browser shows when it asks for a password. Reload: live.
	Realm string `toml:"realm"`
	// Longest time that a signed link may say it is valid. Reload: live.
	MaxLinkDuration Duration `toml:"max_link_duration"`
	// How far ahead of ours the clock of who signs a link may be. Reload: live.
	MaxClockSkew Duration `toml:"max_clock_skew"`
	// How often a signed link may be used while it is valid; 0 = any number of times. Reload: live.
	LinkReuse int `toml:"link_reuse"`
	// A second request for the same user and destination within this time makes no second call. Reload: live.
	DedupeWindow Duration `toml:"dedupe_window"`
	// Refuse links that are signed by MD5; those signed by HMAC ("v2.") stay. Reload: live.
	NoMD5Links bool `toml:"no_md5_links"`
	// Refuse links that hold a password. Reload: live.
	NoCredentialLinks bool `toml:"no_credential_links"`
	// Links that are signed by MD5 always ask to press 1: that signature does not cover the
	// wish not to be asked. Reload: live.
	MD5Prompt bool `toml:"md5_prompt"`
	// Accept passwords over plain HTTP from other machines too. Reload: live.
	AllowPlainHTTP bool `toml:"allow_plain_http"`
	// Destinations may be SIP addresses and names. Reload: live.
	AllowSIPURI bool `toml:"allow_sip_uri"`
	// How often "press 1" is said. Reload: live.
	PromptRepeats int `toml:"prompt_repeats"`
	// How long the 1 is waited for each time. Reload: live.
	PromptInterval Duration `toml:"prompt_interval"`
	// How long the busy or congestion tone is heard when the destination fails. Reload: live.
	FailTone Duration `toml:"fail_tone"`
	// Origins of web pages that may log in, dial and read: "https://crm.example.com". Reload: live.
	AllowedOrigins []string `toml:"allowed_origins"`
	// host[:port] at which browsers reach this server, for /rest/pbxlogin; empty means what they
	// asked for. Reload: live.
	PublicHost string `toml:"public_host"`
	// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. Reload: live.
	TrustedProxies []string `toml:"trusted_proxies"`
	// How long a session may rest. Reload: live.
	SessionIdle Duration `toml:"session_idle"`
	// How long a session lasts at most. Reload: live.
	SessionMax Duration `toml:"session_max"`
	// How long a login token waits to be used. Reload: live.
	TokenLife Duration `toml:"token_life"`
	// Most requests of one address in a minute; negative = unlimited. Reload: live.
	PerMinute int `toml:"per_minute"`
	// Most WebSockets at once. Reload: live.
	MaxSockets int `toml:"max_sockets"`
}

// Links holds the settings of our own signed links, /link/….
type Links struct {
	// Serve them. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Address that links begin with: "https://dial.example.com"; empty means that of the HTTP
	// listener. Reload: live.
	BaseURL string `toml:"base_url"`
	// How long a link is valid that says nothing else. Reload: live.
	Life Duration `toml:"life"`
	// Longest time that a link may be valid. Reload: live.
	MaxLife Duration `toml:"max_life"`
	// How long links that are over are kept, with their uses; 0s = for ever. Reload: live.
	Keep Duration `toml:"keep"`
	// Most requests of one address in a minute; negative = unlimited. Reload: live.
	PerMinute int `toml:"per_minute"`
	// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. Reload: live.
	TrustedProxies []string `toml:"trusted_proxies"`
}
