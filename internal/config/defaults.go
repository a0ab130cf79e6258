package config

import (
	"os"
	"path/filepath"
	"time"
)

const day = 24 * time.Hour

// Default gives the configuration of a server whose operator wrote nothing. It
// is complete and passes Validate.
func Default() Config {
	return Config{
		Server: Server{
			DataDir:   DefaultDataDir(),
			LogLevel:  "info",
			LogFormat: "text",
			Drain:     Seconds(30),
			Watch:     true,
		},
		HTTP: HTTP{
			Listen:     "127.0.0.1:8088",
			Metrics:    "loopback",
			MaxBody:    16 << 20,
			MaxStreams: 256,
		},
		SIP: SIP{
			Listen:          []string{"udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"},
			Domain:          "dialwright",
			UserAgent:       "Dialwright",
			SessionExpires:  Seconds(1800),
			MinSE:           Seconds(90),
			Qualify:         Seconds(60),
			QualifyFailures: 2,
			MaxForwards:     3,
		},
		Media: Media{PortMin: 10000, PortMax: 20000},
		Limits: Limits{
			Channels:          1000,
			RequestsPerSecond: 500,
		},
		Originate: Originate{
			WaitTime:   Seconds(45),
			SecondWait: Seconds(45),
			RetryWait:  Seconds(300),
			Account:    "default",
		},
		Retention: Retention{
			Calls:  Duration{90 * day},
			CDRs:   Duration{730 * day},
			Events: Duration{7 * day},
			Audit:  Duration{365 * day},
		},
		Dialplan: Dialplan{ExecLimit: Seconds(600)},
		Callfile: Callfile{Compat: "safe", Settle: Seconds(2), Rescan: Seconds(5)},
		ARI:      ARI{Enabled: true, WriteTimeout: Seconds(10), Journal: 16384, Grace: Seconds(120)},
		AMI: AMI{
			Enabled:        true,
			Listen:         "127.0.0.1:5038",
			AuthTimeout:    Seconds(30),
			AuthLimit:      50,
			MaxConnections: 1000,
			HTTPTimeout:    Seconds(60),
			Strict:         true,
			EventQueue:     10000,
			EventQueueSize: 8 << 20,
		},
		Dialproxy: Dialproxy{
			Paths:     []string{"/dialproxy.php"},
			Pause:     Seconds(4),
			Debug:     true,
			MaxDigits: 32,
			PerMinute: 60,
			Waiting:   4,
		},
		Vodia: Vodia{
			Realm:           "click-to-dial",
			MaxLinkDuration: Duration{day},
			MaxClockSkew:    Seconds(60),
			DedupeWindow:    Seconds(3),
			PromptRepeats:   3,
			PromptInterval:  Seconds(5),
			FailTone:        Seconds(10),
			SessionIdle:     Seconds(3600),
			SessionMax:      Seconds(12 * 3600),
			TokenLife:       Seconds(10),
			PerMinute:       120,
			MaxSockets:      1000,
		},
		Switchvox: Switchvox{
			Realm:        "Switchvox",
			Schemes:      []string{"digest", "basic"},
			NonceLife:    Duration{day},
			MinExtension: 3,
			MaxExtension: 6,
			Pending:      100,
			Version:      "7.8.0.0",
		},
		Imports: Imports{MaxSize: 64 << 20, MaxRows: 100_000, MaxFiles: 50, Keep: Duration{30 * day}},
		WebRTC:  WebRTC{Enabled: true, MaxLegs: 500},
		Console: Console{Enabled: true, SessionIdle: Seconds(3600), SessionMax: Seconds(12 * 3600)},
		Links:   Links{Enabled: true, Life: Duration{day}, MaxLife: Duration{366 * day}, Keep: Duration{90 * day}, PerMinute: 60},
	}
}

// DefaultDataDir gives the directory of a server without server.data_dir:
// /var/lib/dialwright for root, else the user's state directory, else one below
// the system's temporary directory.
func DefaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/dialwright"
	}
	return StateDir()
}

// StateDir gives the user's directory for what programs keep ($XDG_STATE_HOME/dialwright,
// ~/.local/state/dialwright), else one below the system's temporary directory.
func StateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "dialwright")
	}
	if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "dialwright")
	}
	return filepath.Join(os.TempDir(), "dialwright")
}

// complete adds what depends on what was written: the account "default" if
// there is none.
func (c *Config) complete() {
	if len(c.Accounts) == 0 && (c.Originate.Account == "" || c.Originate.Account == "default") {
		c.Accounts = map[string]Account{"default": {}}
		c.Originate.Account = "default"
	}
}
