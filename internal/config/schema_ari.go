package config

// ARI holds the settings of the Asterisk REST Interface.
type ARI struct {
	// Serve ARI as soon as there is a user in [ari.users]. Without a user nobody can log in,
	// and nothing is served. Reload: restart.
	Enabled bool `toml:"enabled"`
	// What comes before /ari in its addresses, such as "/asterisk". Reload: restart.
	Prefix string `toml:"prefix"`
	// What a browser is shown when it is to log in; empty means "Asterisk REST Interface". Reload: live.
	Realm string `toml:"realm"`
	// Indent the bodies of answers. Reload: live.
	Pretty bool `toml:"pretty"`
	// Origins of web pages that may use ARI from a browser, "https://crm.example.com",
	// compared letter by letter; "*" = all. Reload: live.
	AllowedOrigins []string `toml:"allowed_origins"`
	// Variables that every channel shows in channelvars, in answers and events. Reload: live.
	ChannelVars []string `toml:"channel_vars"`
	// How long a client may take to accept an event before its WebSocket is closed. Events
	// that it could not take are kept, see journal. Reload: live.
	WriteTimeout Duration `toml:"write_timeout"`
	// How many events are kept for each application, so that a client that comes back can
	// ask for what it has missed. Reload: restart.
	Journal int `toml:"journal"`
	// How long an application without a client, a channel and a bridge is kept with its
	// subscriptions and journal. Reload: restart.
	Grace Duration `toml:"grace"`
	// Who may log in. The table's key is the user's name: [ari.users.crm]. Reload: live.
	Users map[string]ARIUser `toml:"users"`
	// WebSockets that this server opens to applications, instead of waiting for them. The
	// table's key is the connection's name: [ari.outbound.crm]. Reload: live.
	Outbound map[string]ARIOutbound `toml:"outbound"`
}

// ARIUser is one that may use ARI.
type ARIUser struct {
	// The password, in the form that password_format says. Reload: live.
	Password string `toml:"password"`
	// "plain" (or empty), "crypt" for a hash of crypt(3) that begins with $1$, $5$ or $6$, as
	// `openssl passwd -6` makes it, or "argon2id". Reload: live.
	PasswordFormat string `toml:"password_format"`
	// May look, but change nothing. Reload: live.
	ReadOnly bool `toml:"read_only"`
	// Addresses and networks it may come from: "10.0.0.0/8"; empty = all. Reload: live.
	Permit []string `toml:"permit"`
	// Addresses and networks it may not come from. The smallest network that an address is in
	// decides, of permit and deny. Reload: live.
	Deny []string `toml:"deny"`
	// On whose behalf it calls; empty means originate.account. Reload: live.
	Account string `toml:"account"`
}

// ARIOutbound is a WebSocket that this server opens to an application.
type ARIOutbound struct {
	// Address of the application: "wss://crm.example.com/ari". Reload: live.
	URI string `toml:"uri"`
	// Subprotocols that are offered; empty means "ari". Reload: live.
	Protocols []string `toml:"protocols"`
	// User name that we log in with; empty = without login. Reload: live.
	Username string `toml:"username"`
	// Password that we log in with. Reload: live.
	Password string `toml:"password"`
	// Applications that it serves. With per_call exactly one. Reload: live.
	Apps []string `toml:"apps"`
	// It hears of all channels, bridges, endpoints and devices. Reload: live.
	SubscribeAll bool `toml:"subscribe_all"`
	// User of [ari.users] with whose rights requests over it are carried out. Reload: live.
	LocalUser string `toml:"local_user"`
	// Open it for each call that enters the application, and close it afterwards, instead of
	// once for all. Reload: live.
	PerCall bool `toml:"per_call"`
	// How long connecting may take; 0s = 5s. Reload: live.
	Timeout Duration `toml:"timeout"`
	// How long to wait before trying again; 0s = 500ms. Without per_call it doubles, up to a minute. Reload: live.
	Reconnect Duration `toml:"reconnect"`
	// How often to try again after a failure; 0 = without end, with per_call not at all. Reload: live.
	Attempts int `toml:"attempts"`
	// Accept any certificate. Reload: live.
	Insecure bool `toml:"insecure"`
	// Certificates that its certificate may be signed by, in PEM form; empty = those of the system. Reload: live.
	CAFile string `toml:"ca_file"`
	// Certificate that we show it, in PEM form. Reload: live.
	CertFile string `toml:"cert_file"`
	// Private key of that certificate. Reload: live.
	KeyFile string `toml:"key_file"`
}
