package config

// AMI holds the settings of the Asterisk Manager Interface.
type AMI struct {
	// Serve AMI if [ami.users] names somebody when the server starts. Without a user nobody
	// could log in, and nothing is served. Reload: restart.
	Enabled bool `toml:"enabled"`
	// Address to serve, "host:port"; empty = only tls_listen and web. Reload: restart.
	Listen string `toml:"listen"`
	// Address to serve with TLS, "host:port"; usual is port 5039. Reload: restart.
	TLSListen string `toml:"tls_listen"`
	// Certificate chain of tls_listen in PEM form. Reload: restart.
	TLSCert string `toml:"tls_cert"`
	// Private key of that certificate. Reload: restart.
	TLSKey string `toml:"tls_key"`
	// Serve it on the HTTP listener too: /rawman, /mxml and /manager with a session cookie,
	// /arawman, /amxml and /amanager with digest authentication. Reload: restart.
	Web bool `toml:"web"`
	// What comes before /rawman in those addresses, such as "/asterisk". Reload: restart.
	Prefix string `toml:"prefix"`
	// How long a connection may stay without logging in. Reload: live.
	AuthTimeout Duration `toml:"auth_timeout"`
	// Most connections at once that have not logged in. Reload: live.
	AuthLimit int `toml:"auth_limit"`
	// Most connections and HTTP sessions at once; 0 = unlimited. Reload: live.
	MaxConnections int `toml:"max_connections"`
	// How long an HTTP session is kept after a request. Reload: live.
	HTTPTimeout Duration `toml:"http_timeout"`
	// Refuse logins by GET, which leave the secret in URLs and in logs on the way. Reload: live.
	RefuseGETLogin bool `toml:"refuse_get_login"`
	// Write the time into every event. Reload: live.
	TimestampEvents bool `toml:"timestamp_events"`
	// Variables that every channel shows in events. Reload: live.
	ChannelVars []string `toml:"channel_vars"`
	// Names of events that nobody gets, such as "Newexten". Reload: live.
	DisabledEvents []string `toml:"disabled_events"`
	// Tell every call detail record in an event (class cdr). Reload: live.
	CDREvents bool `toml:"cdr_events"`
	// Do not answer the action Events if it changes nothing, as Asterisk before 1.8. Reload: live.
	BrokenEventsAction bool `toml:"broken_events_action"`
	// Applications that Originate may run beside those that are harmless. Those that start
	// programs, read files or change the database are never run. Reload: live.
	Applications []string `toml:"applications"`
	// Refuse an Originate to an application that is not known. Without, the phone rings and is
	// hung up when it answers, as by Asterisk. Reload: live.
	Strict bool `toml:"strict"`
	// How many events a client may be behind before it is closed. Reload: restart.
	EventQueue int `toml:"event_queue"`
	// How many bytes of events a client may be behind before it is closed. Reload: restart.
	EventQueueSize int `toml:"event_queue_size"`
	// Who may log in. The table's key is the user's name, whose case does not count:
	// [ami.users.crm]. The first one needs a restart. Reload: live.
	Users map[string]AMIUser `toml:"users"`
}

// AMIUser is one that may log in.
type AMIUser struct {
	// The password, in the form that secret_format says. Reload: live.
	Secret string `toml:"secret"`
	// "plain" (or empty), "crypt" for a hash of crypt(3) that begins with $1$, $5$ or $6$, as
	// `openssl passwd -6` makes it, or "argon2id". With a hash neither MD5 challenges nor HTTP
	// digest authentication work, only the plain login. Reload: live.
	SecretFormat string `toml:"secret_format"`
	// Addresses and networks it may come from: "10.0.0.0/8"; empty = all. Reload: live.
	Permit []string `toml:"permit"`
	// Addresses and networks it may not come from. The smallest network that an address is in
	// decides, of permit and deny. Reload: live.
	Deny []string `toml:"deny"`
	// Classes of events that it gets: system, call, log, verbose, command, agent, user, config,
	// dtmf, reporting, cdr, dialplan, originate, agi, cc, aoc, test, security, message, or
	// all. Reload: live.
	Read []string `toml:"read"`
	// Classes of actions that it may use, of the same names. Reload: live.
	Write []string `toml:"write"`
	// Channel variables of every call that it originates: "NAME=value". Reload: live.
	Variables []string `toml:"variables"`
	// What of its events it gets: regular expressions such as "!Event: Newexten", or lines
	// as in manager.conf: "eventfilter(name(Newchannel),header(Channel),method(starts_with)) = PJSIP/".
	// Reload: live.
	Filters []string `toml:"filters"`
	// May be logged in only once at a time. Reload: live.
	SingleLogin bool `toml:"single_login"`
	// Do not log when it logs in and off. Reload: live.
	HideConnects bool `toml:"hide_connects"`
	// How long its client may take to accept what is written before it is closed; 0s = 30s. Reload: live.
	WriteTimeout Duration `toml:"write_timeout"`
	// On whose behalf it calls; empty means originate.account. Reload: live.
	Account string `toml:"account"`
	// Most originations per second; 0 = unlimited. Reload: live.
	PerSecond float64 `toml:"per_second"`
	// Most originated channels at once; 0 = unlimited. Reload: live.
	AtOnce int `toml:"at_once"`
	// Most connections at once; 0 = unlimited. Reload: live.
	MaxConnections int `toml:"max_connections"`
}

// CLI holds the settings of the command line in Asterisk's dialect.
type CLI struct {
	// Socket that is served as Asterisk serves asterisk.ctl, so that its own `asterisk -rx`
	// works with this server: "/var/run/asterisk/asterisk.ctl". Whoever may write to it
	// commands the server; it is made for its owner and group only. Empty = none. Reload: restart.
	Socket string `toml:"socket"`
	// Take callerid, timeout and variable behind `channel originate`, which Asterisk refuses. Reload: live.
	Extensions bool `toml:"extensions"`
}
