package config

//go:generate go run ./gen

// Config is the whole configuration. The last sentence of every key's comment
// says how a change takes effect: "Reload: live." or "Reload: restart.".
type Config struct {
	// The server as a whole.
	Server Server `toml:"server"`
	// The HTTP listener with the REST API, the event streams, health and metrics.
	HTTP HTTP `toml:"http"`
	// SIP listeners and timers.
	SIP SIP `toml:"sip"`
	// RTP sockets.
	Media Media `toml:"media"`
	// How dialled numbers are read.
	Numbers Numbers `toml:"numbers"`
	// Caps on the server as a whole. Caps on one phone, trunk or account stand there.
	Limits Limits `toml:"limits"`
	// What a request that leaves something out gets.
	Originate Originate `toml:"originate"`
	// How long records are kept.
	Retention Retention `toml:"retention"`
	// On whose behalf calls are made: caller ID, rights and caps. The table's key is
	// the account's name. Without any, there is one called "default" that may call
	// phones and national numbers.
	Accounts map[string]Account `toml:"accounts"`
	// Devices that register. The table's key is the extension and SIP user: [phones.101].
	Phones map[string]Phone `toml:"phones"`
	// Providers and other exchanges. The table's key is the trunk's name: [trunks.carrier].
	Trunks map[string]Trunk `toml:"trunks"`
	// Which numbers leave by which trunk; the first that fits is used. Routes of
	// several files follow each other in the order of the files.
	Routes []Route `toml:"routes"`
	// Where calls that come in by trunks go; the first that fits is used. Without
	// one, a call for the number 101 rings phone 101.
	Inbound []Inbound `toml:"inbound"`
	// API keys. The table's key is the key's name: [keys.crm]. `dialwright config key NAME` makes one.
	Keys map[string]Key `toml:"keys"`
	// The dialplan: an Asterisk extensions.conf. Without one, extension numbers ring
	// their phones and other numbers follow the routes.
	Dialplan Dialplan `toml:"dialplan"`
	// The folder of Asterisk call files.
	Callfile Callfile `toml:"callfile"`
	// The Asterisk REST Interface, on the HTTP listener.
	ARI ARI `toml:"ari"`
	// The Asterisk Manager Interface.
	AMI AMI `toml:"ami"`
	// AstLinux's dialproxy.php, on the HTTP listener.
	Dialproxy Dialproxy `toml:"dialproxy"`
	// People and programs that use the interfaces of Vodia and Switchvox and signed links. The
	// table's key is the name: [users."123@tenant.com"], or [users.123] without tenants.
	// `dialwright user` keeps more of them in the store.
	Users map[string]User `toml:"users"`
	// Companies on one server. The table's key is the domain: [tenants."tenant.com"]. The
	// tenants of users need no entry.
	Tenants map[string]Tenant `toml:"tenants"`
	// Vodia's click-to-dial, on the HTTP listener.
	Vodia Vodia `toml:"vodia"`
	// Switchvox's call API, on the HTTP listener.
	Switchvox Switchvox `toml:"switchvox"`
	// Signed links of our own, on the HTTP listener.
	Links Links `toml:"links"`
	// The web console, on the HTTP listener.
	Console Console `toml:"console"`
	// Lists that are uploaded to be called.
	Imports Imports `toml:"imports"`
	// Phones in browsers.
	WebRTC WebRTC `toml:"webrtc"`
	// The command line in Asterisk's dialect: `dialwright rx`, `dialwright cli`, AMI's Command.
	CLI CLI `toml:"cli"`
}

// Dialplan says which extensions.conf runs calls, and what it may do.
type Dialplan struct {
	// The file, with its includes beside it; empty = no dialplan. A mistake in it leaves
	// the one in force as it is, and calls keep the dialplan with which they began. Reload: live.
	File string `toml:"file"`
	// "" for our own behaviour where Asterisk's is a trap, or "asterisk22" to do as
	// Asterisk 22 does, removed applications and all. Reload: restart.
	Compat string `toml:"compat"`
	// Applications and functions may run commands of the operating system (System,
	// TrySystem, SHELL, ENV, AGI scripts, MixMonitor's command). Whoever may write the dialplan,
	// or put a value into it, then commands this machine as the server's user. Reload: restart.
	AllowExec bool `toml:"allow_exec"`
	// Applications and functions may read and write files outside the server's own
	// directories (STAT, FILE, Playback and Record with paths). Reload: restart.
	AllowFiles bool `toml:"allow_files"`
	// Applications and functions may not open connections (CURL, FastAGI). Reload: restart.
	DenyNet bool `toml:"deny_net"`
	// Longest time that a command may run before it is killed; 0s = as long as the call. Reload: restart.
	ExecLimit Duration `toml:"exec_limit"`
	// Read "App,a|b" as two arguments, as before Asterisk 1.6. Reload: live.
	PipeSeparator bool `toml:"pipe_separator"`
	// Go on after an application that is known but not supported (Queue, VoiceMail …)
	// instead of ending the call. Reload: restart.
	SkipUnsupported bool `toml:"skip_unsupported"`
	// Directory of Asterisk's other files that applications read (musiconhold.conf,
	// confbridge.conf, followme.conf, amd.conf, res_parking.conf); empty = that of file. Reload: restart.
	ConfDir string `toml:"conf_dir"`
	// Directory for recordings (below it: monitor/), ${ASTSPOOLDIR}; empty = spool in
	// server.data_dir. Reload: restart.
	SpoolDir string `toml:"spool_dir"`
	// Directory of AGI scripts; empty = agi-bin beside the spool directory. Reload: restart.
	AGIDir string `toml:"agi_dir"`
	// An Asterisk's astdb.sqlite3 whose entries are added to AstDB at each start, every key
	// once: what this server has or had of a key stays, and what was deleted here does not come
	// back. Reload: restart.
	ImportAstDB string `toml:"import_astdb"`
	// What dial strings and call files of an Asterisk name otherwise than this server:
	// TECH/NAME on the left, a phone or trunk on the right. "DAHDI/g2" = "carrier" makes
	// DAHDI/g2/4930123 dial 4930123 by the trunk carrier. The longest name that fits
	// counts; "Zap" alone stands for all Zap channels. Reload: live.
	Aliases map[string]string `toml:"aliases"`
}

// Callfile says where call files are taken from and how.
type Callfile struct {
	// Folder that is watched for call files, Asterisk's spool/outgoing; empty = none.
	// It is made if it is missing. Reload: restart.
	Dir string `toml:"dir"`
	// Where files with "Archive: yes" go; empty = outgoing_done beside the folder. Reload: restart.
	Done string `toml:"done"`
	// Where files that cannot be carried out go, with the reason; empty =
	// outgoing_failed beside the folder. Reload: restart.
	Failed string `toml:"failed"`
	// On whose behalf the calls are made; empty means originate.account. Whoever may
	// write the folder calls with its rights. Reload: restart.
	Account string `toml:"account"`
	// "safe", or "asterisk22" to do as Asterisk does with files that change while they
	// wait, byte order marks, dot files, archives of one name and REASON. Reload: restart.
	Compat string `toml:"compat"`
	// How long a file that does not parse must have been left alone before it is judged. Reload: restart.
	Settle Duration `toml:"settle"`
	// How often the folder is read again, beside being watched. Reload: restart.
	Rescan Duration `toml:"rescan"`
	// Do not ask the kernel for changes, only read the folder every rescan: for network
	// file systems. Reload: restart.
	Poll bool `toml:"poll"`
	// Do not write StartRetry and EndRetry lines and times into the files. Reload: restart.
	NoWriteback bool `toml:"no_writeback"`
	// Delete files that cannot be carried out, as Asterisk does, instead of keeping them. Reload: restart.
	DeleteInvalid bool `toml:"delete_invalid"`
	// Names that are not taken, as patterns; empty = ".*", "*~", "*.tmp", "*.swp" and "*.part". Reload: restart.
	Ignore []string `toml:"ignore"`
	// SIP statuses after which a file is not tried again: [404, 410, 484, 604]. Reload: restart.
	NoRetryOn []int `toml:"no_retry_on"`
	// Call files may name applications and functions that run commands or touch files,
	// within what dialplan.allow_exec and dialplan.allow_files allow. Reload: restart.
	AllowExec bool `toml:"allow_exec"`
	// Write NAME.result with the outcome as JSON beside the archive when a file is done. Reload: restart.
	Results bool `toml:"results"`
}

// Server holds the settings of the process.
type Server struct {
	// Directory of the database and of the control socket. It is made, readable
	// for its owner only, if it is missing. Reload: restart.
	DataDir string `toml:"data_dir"`
	// Name of this node in calls, events and logs; empty means the host name. Reload: restart.
	Node string `toml:"node"`
	// Least level that is logged: "debug", "info", "warn" or "error". Reload: live.
	LogLevel string `toml:"log_level"`
	// "text" or "json". Reload: restart.
	LogFormat string `toml:"log_format"`
	// How long an orderly stop lets running calls go on before it hangs them up. Reload: live.
	Drain Duration `toml:"drain"`
	// Watch the configuration files and load them when they change. Without, use
	// `dialwright config reload` or the signal HUP. Reload: restart.
	Watch bool `toml:"watch"`
}

// HTTP holds the settings of the HTTP listener.
type HTTP struct {
	// Address of the REST API, "host:port"; empty switches it off. Reload: restart.
	Listen string `toml:"listen"`
	// Certificate chain in PEM form; with tls_key, serves HTTPS. Reload: restart.
	TLSCert string `toml:"tls_cert"`
	// Private key in PEM form. Reload: restart.
	TLSKey string `toml:"tls_key"`
	// Origins of web pages that may send state-changing requests with a browser,
	// "https://crm.example.com". Others are refused. Reload: restart.
	TrustedOrigins []string `toml:"trusted_origins"`
	// Who may read /metrics: "loopback" (requests from this machine, or with a key),
	// "key" (scope metrics:read) or "open". Reload: restart.
	Metrics string `toml:"metrics"`
	// Largest request body in bytes. Reload: restart.
	MaxBody int64 `toml:"max_body"`
	// Most event streams (SSE and WebSocket) at once, of the REST API and of ARI each. Reload: restart.
	MaxStreams int `toml:"max_streams"`
}

// SIP holds the settings of signalling.
type SIP struct {
	// Addresses to serve, "transport:host:port" with transport udp, tcp or tls.
	// Port 0 takes a free one. Reload: restart.
	Listen []string `toml:"listen"`
	// host[:port] that peers are shown instead of the listener's own address, for a
	// server behind NAT. Reload: restart.
	Advertise string `toml:"advertise"`
	// Advertised host by peer network, where it differs: {"10.0.0.0/8" = "10.0.0.5"}. Reload: restart.
	AdvertiseTo map[string]string `toml:"advertise_to"`
	// Certificate chain of tls listeners in PEM form. Reload: restart.
	TLSCert string `toml:"tls_cert"`
	// Private key of tls listeners in PEM form. Reload: restart.
	TLSKey string `toml:"tls_key"`
	// Realm in which phones log in, and host of our own SIP addresses. Reload: restart.
	Domain string `toml:"domain"`
	// Text of the User-Agent and Server headers. Reload: restart.
	UserAgent string `toml:"user_agent"`
	// Session timer that we offer (RFC 4028), at least 90s. Reload: restart.
	SessionExpires Duration `toml:"session_expires"`
	// Shortest session timer that we accept, at least 90s. Reload: restart.
	MinSE Duration `toml:"min_se"`
	// How often phones and trunks are asked with OPTIONS whether they are there; 0s = never. Reload: live.
	Qualify Duration `toml:"qualify"`
	// OPTIONS without an answer in a row until an endpoint counts as unreachable. Reload: live.
	QualifyFailures int `toml:"qualify_failures"`
	// How many 302 responses are followed on one leg, where following is on. Reload: live.
	MaxForwards int `toml:"max_forwards"`
	// Contexts whose phones may dial out by routes; empty means "default" and "internal".
	// Reload: live.
	OutboundContexts []string `toml:"outbound_contexts"`
	// Accept Pretend/NUMBER endpoints, whose number decides how the call ends and which ring
	// no phone: for trials and dry runs. Reload: live.
	AllowPretend bool `toml:"allow_pretend"`
}

// Media holds the settings of RTP.
type Media struct {
	// Address of the RTP sockets; empty means that of the first SIP listener. Reload: restart.
	Bind string `toml:"bind"`
	// Address written into SDP, for a server behind NAT; empty means the bound one.
	// Reload: restart.
	Advertise string `toml:"advertise"`
	// First port of RTP. Stay outside the range that the kernel hands out to others
	// (32768-60999 on Linux). Reload: restart.
	PortMin int `toml:"port_min"`
	// Last port of RTP. A leg needs two ports, a call up to four. Reload: restart.
	PortMax int `toml:"port_max"`
	// Directory of sound files for prompts and Playback, such as Asterisk's; also where Record
	// puts names without a path. Empty = sounds in server.data_dir. Sounds that are not there
	// are looked for among the built-in ones. A sound NAME in the language "en" is looked for as en/NAME, then NAME, each with one of the
	// endings .wav, .sln16, .sln, .g722, .ulaw and .alaw; "en_GB" is tried before "en". Reload: restart.
	Sounds string `toml:"sounds"`
	// Hang up a party from whom no audio has come for so long (ten times as long while it
	// is on hold); 0s = never. Reload: restart.
	Timeout Duration `toml:"timeout"`
}

// Numbers says how dialled numbers are read.
type Numbers struct {
	// Country of numbers without a country code, as ISO 3166 code: "DE", "US".
	// Decides which numbers are international, premium or emergency. Reload: live.
	Country string `toml:"country"`
}

// Limits are caps on the whole server. 0 means unlimited unless said otherwise.
type Limits struct {
	// Most attempts at once on this server. Less if the file descriptors do not suffice. Reload: restart.
	Channels int `toml:"channels"`
	// Most new attempts per second on the whole server, whatever their account, trunk or
	// batch; calls wait in the queue for their turn. Calls that phones make themselves are not
	// held back. Reload: live.
	CPS float64 `toml:"cps"`
	// Most attempts at once in each batch. Reload: live.
	BatchChannels int `toml:"batch_channels"`
	// Most new attempts per second in each batch. Reload: live.
	BatchCPS float64 `toml:"batch_cps"`
	// Most calls in one batch request; 0 = 100000. Reload: live.
	BatchCalls int `toml:"batch_calls"`
	// Most submissions per second from one address; twice as many at once. A batch is one. Reload: live.
	RequestsPerSecond float64 `toml:"requests_per_second"`
}

// Originate holds the defaults of requests.
type Originate struct {
	// How long the first party may ring. Reload: live.
	WaitTime Duration `toml:"wait_time"`
	// How long the second party may ring. Reload: live.
	SecondWait Duration `toml:"second_wait"`
	// Pause between the end of an attempt and the next. Reload: live.
	RetryWait Duration `toml:"retry_wait"`
	// Account of requests that name none and whose key has none. Reload: live.
	Account string `toml:"account"`
}

// Retention says how long records are kept.
type Retention struct {
	// Calls that are over, with attempts and ladders; 0s = for ever. Reload: restart.
	Calls Duration `toml:"calls"`
	// Call detail records; 0s = for ever. Reload: restart.
	CDRs Duration `toml:"cdrs"`
	// Events, from which clients can resume; 0s = for ever. Reload: restart.
	Events Duration `toml:"events"`
	// The trail of accepted and refused requests; 0s = for ever. Reload: restart.
	Audit Duration `toml:"audit"`
}

// Account is on whose behalf calls are made.
type Account struct {
	// Caller ID of calls that ask for none, `"Sales" <+4930123456>`. Reload: live.
	CallerID string `toml:"caller_id"`
	// Requests may not name another caller ID than the account's, and who answers behind a
	// Local channel is not shown in its place. Reload: live.
	FixedCallerID bool `toml:"fixed_caller_id"`
	// The account accepts no requests. Reload: live.
	Disabled bool `toml:"disabled"`
	// API keys and users who may use it; empty = every authenticated one. Reload: live.
	Principals []string `toml:"principals"`
	// Country of numbers without a country code; empty means numbers.country. Reload: live.
	Country string `toml:"country"`
	// Prefixes that may be called: with country code ("+4930"), or of internal numbers
	// without ("1"). The longest match of allow and deny decides. If not empty, other public
	// numbers are refused. Reload: live.
	Allow []string `toml:"allow"`
	// Prefixes that must not be called. Reload: live.
	Deny []string `toml:"deny"`
	// Contexts that requests may enter (dialplan, Local/ endpoints); empty = all. Reload: live.
	Contexts []string `toml:"contexts"`
	// May call numbers of other countries. Needs numbers.country. Reload: live.
	International bool `toml:"international"`
	// May call premium rate numbers. Reload: live.
	Premium bool `toml:"premium"`
	// May call emergency numbers. Reload: live.
	Emergency bool `toml:"emergency"`
	// Most attempts at once; 0 = unlimited. Reload: live.
	Channels int `toml:"channels"`
	// Most new attempts per second; 0 = unlimited. Reload: live.
	CPS float64 `toml:"cps"`
	// Most calls accepted per day (UTC); 0 = unlimited. Reload: live.
	DailyCalls int `toml:"daily_calls"`
	// Most requests accepted per second; 0 = unlimited. Reload: live.
	RequestsPerSecond float64 `toml:"requests_per_second"`
}

// Phone is a device that registers.
type Phone struct {
	// Digest secret, at least 8 characters. Reload: live.
	Password string `toml:"password"`
	// Name shown to those whom it calls. Reload: live.
	DisplayName string `toml:"display_name"`
	// Caller ID of calls that it makes; empty means its display name and extension. Reload: live.
	CallerID string `toml:"caller_id"`
	// On whose behalf it calls; empty means originate.account. Reload: live.
	Account string `toml:"account"`
	// Where its calls are routed; empty means "default". Reload: live.
	Context string `toml:"context"`
	// Codecs in order of preference: "g722", "pcmu", "pcma", "opus"; empty = the first three. Opus is passed on between two phones that both speak it; a phone that speaks it is asked to change (re-INVITE) for anything else it is to hear. Reload: live.
	Codecs []string `toml:"codecs"`
	// Encryption of the audio: "off" (or empty), "optional" or "required". Reload: live.
	SRTP string `toml:"srtp"`
	// How it is asked to answer by itself: a brand ("snom", "yealink"), "call-info",
	// "alert-info", "both" (or empty), "none". Reload: live.
	AutoAnswer string `toml:"auto_answer"`
	// It is behind NAT: answer to where its packets come from. Reload: live.
	NAT bool `toml:"nat"`
	// Devices that may register under this name; 0 = 5. Reload: live.
	MaxContacts int `toml:"max_contacts"`
	// How digits travel: "auto" (or empty), "rfc4733", "info" or "inband". Reload: live.
	DTMF string `toml:"dtmf"`
	// Follow its 302 (call forwarding on the phone). Reload: live.
	Forward bool `toml:"forward"`
	// Attempts at once that ring it; 0 = 1, negative = unlimited. Reload: live.
	Channels int `toml:"channels"`
}

// Trunk carries calls to and from elsewhere.
type Trunk struct {
	// Host name or address of its SIP server. Reload: live.
	Host string `toml:"host"`
	// Port; 0 = by DNS, else the transport's own. Reload: live.
	Port int `toml:"port"`
	// "udp" (or empty), "tcp" or "tls". Reload: live.
	Transport string `toml:"transport"`
	// Account name at the provider. Reload: live.
	User string `toml:"user"`
	// Password of the account. Reload: live.
	Password string `toml:"password"`
	// User name of the login where it differs from user. Reload: live.
	AuthUser string `toml:"auth_user"`
	// Fixed user part of From; empty means the caller's number. Reload: live.
	FromUser string `toml:"from_user"`
	// Host part of From; empty means host. Reload: live.
	FromDomain string `toml:"from_domain"`
	// Register with the provider. Needs user and password. Reload: live.
	Register bool `toml:"register"`
	// Interval of the registration; 0s = 5m. Reload: live.
	Expires Duration `toml:"expires"`
	// First hop if it is not the host: "sip:proxy.example.com;lr" or "host:port". Reload: live.
	OutboundProxy string `toml:"outbound_proxy"`
	// Codecs in order of preference: "g722", "pcmu", "pcma", "opus"; empty = the first three. Reload: live.
	Codecs []string `toml:"codecs"`
	// Encryption of the audio: "off" (or empty), "optional" or "required". Reload: live.
	SRTP string `toml:"srtp"`
	// How the caller ID is shown beside From: any of "pai" (P-Asserted-Identity),
	// "rpid" (Remote-Party-ID), "privacy" (always withheld). Reload: live.
	Identity []string `toml:"identity"`
	// Caller ID shown on every call by this trunk, `<+4930123456>`; empty means the
	// call's own. Reload: live.
	CallerID string `toml:"caller_id"`
	// Networks from which its calls come, beside host: "198.51.100.0/24". Reload: live.
	Match []string `toml:"match"`
	// Where its calls are routed; empty means "from-trunk", which reaches phones and
	// [[inbound]] rules only. "internal" may dial out: for a branch office, never for
	// a provider. Reload: live.
	Context string `toml:"context"`
	// On whose behalf its calls are carried on; empty means originate.account. Reload: live.
	Account string `toml:"account"`
	// An own exchange or a test lab, never a provider: its numbers are in no public plan,
	// so unknown, premium and international ones may be called. Emergency numbers, allow
	// and deny still count. Reload: live.
	Private bool `toml:"private"`
	// Follow its 302. Reload: live.
	Forward bool `toml:"forward"`
	// Interval of OPTIONS; 0s = sip.qualify, negative = never. Reload: live.
	Qualify Duration `toml:"qualify"`
	// How digits travel: "auto" (or empty), "rfc4733", "info" or "inband". Reload: live.
	DTMF string `toml:"dtmf"`
	// Attempts at once; 0 = unlimited. Reload: live.
	Channels int `toml:"channels"`
	// New attempts per second; 0 = unlimited. Reload: live.
	CPS float64 `toml:"cps"`
	// Name expected in its certificate; empty means host. Reload: live.
	TLSServerName string `toml:"tls_server_name"`
	// Certificates that its certificate may be signed by, in PEM form; empty = those of the system. Reload: live.
	TLSRoots string `toml:"tls_roots"`
	// Certificate that we show it, in PEM form. Reload: live.
	TLSCert string `toml:"tls_cert"`
	// Private key of that certificate. Reload: live.
	TLSKey string `toml:"tls_key"`
}

// Route sends numbers to a trunk.
type Route struct {
	// Name for logs and `dialwright route`; empty means its place in the list. Reload: live.
	Name string `toml:"name"`
	// Numbers that begin with this ("+49", "0"), or have this form in Asterisk's
	// notation ("_0[1-9]XXX."); empty means every number. Reload: live.
	Match string `toml:"match"`
	// Trunk by which they leave. Reload: live.
	Trunk string `toml:"trunk"`
	// How many characters are taken from the front of the number. Reload: live.
	Strip int `toml:"strip"`
	// What is then put in front of it. Reload: live.
	Prepend string `toml:"prepend"`
	// Caller ID shown on this route whatever the request asks, `<+4930123456>`. Reload: live.
	CallerID string `toml:"caller_id"`
	// Accounts that may use it; empty = all. Reload: live.
	Accounts []string `toml:"accounts"`
}

// Inbound sends calls from outside to a phone or number.
type Inbound struct {
	// Context of the trunk; empty means any. Reload: live.
	Context string `toml:"context"`
	// Called numbers that begin with this ("4930123456"), or have this form in
	// Asterisk's notation ("_X."); empty means every number. Reload: live.
	Match string `toml:"match"`
	// What is rung: a phone ("101"), or a number that follows the routes. Reload: live.
	To string `toml:"to"`
}

// Key is an API key.
type Key struct {
	// Hash of the key, as `dialwright config key NAME` prints it. Reload: live.
	Hash string `toml:"hash"`
	// Account that the key acts for; empty means originate.account. Reload: live.
	Account string `toml:"account"`
	// What it may do: "calls:read", "calls:write", "events:read", "endpoints:read",
	// "metrics:read", "admin" (everything, for every account). Reload: live.
	Scopes []string `toml:"scopes"`
}
