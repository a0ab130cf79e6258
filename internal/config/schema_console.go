package config

// Console holds the settings of the web console, /console/, and of who logs in to it.
type Console struct {
	// Serve it. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Address at which browsers reach this server, for one-time logins: "https://pbx.example.com";
	// empty means that of the HTTP listener. Reload: live.
	BaseURL string `toml:"base_url"`
	// How long a session may rest. An open page is a use of it. Reload: live.
	SessionIdle Duration `toml:"session_idle"`
	// How long a session lasts at most. Reload: live.
	SessionMax Duration `toml:"session_max"`
	// Accept passwords and sessions over plain HTTP from other machines too. Reload: live.
	AllowPlainHTTP bool `toml:"allow_plain_http"`
	// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count. Reload: live.
	TrustedProxies []string `toml:"trusted_proxies"`
}
