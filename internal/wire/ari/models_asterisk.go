package ari

// AsteriskInfo is what the server says about itself; a section that was not asked for
// is nil (spec: ari 8).
type AsteriskInfo struct {
	Build  *BuildInfo  `json:"build,omitempty"`
	System *SystemInfo `json:"system,omitempty"`
	Config *ConfigInfo `json:"config,omitempty"`
	Status *StatusInfo `json:"status,omitempty"`
}

// BuildInfo says how the server was built.
type BuildInfo struct {
	OS      string `json:"os"`
	Kernel  string `json:"kernel"`
	Options string `json:"options"`
	Machine string `json:"machine"`
	Date    string `json:"date"`
	User    string `json:"user"`
}

// SystemInfo names the version and the server.
type SystemInfo struct {
	Version  string `json:"version"`
	EntityID string `json:"entity_id"` // like a MAC address
}

// ConfigInfo says what the server may do; 0 = no limit, and then absent.
type ConfigInfo struct {
	Name            string  `json:"name"`
	DefaultLanguage string  `json:"default_language"`
	MaxChannels     int     `json:"max_channels,omitempty"`
	MaxOpenFiles    int     `json:"max_open_files,omitempty"`
	MaxLoad         float64 `json:"max_load,omitempty"`
	SetID           SetID   `json:"setid" ari:"SetId"`
}

// SetID is the user and group that the server runs as.
type SetID struct {
	User  string `json:"user"`
	Group string `json:"group"`
}

// StatusInfo says since when the server runs.
type StatusInfo struct {
	StartupTime    Date `json:"startup_time"`
	LastReloadTime Date `json:"last_reload_time"`
}

// AsteriskPing is the answer to a ping.
type AsteriskPing struct {
	AsteriskID string `json:"asterisk_id"`
	Ping       string `json:"ping"` // "pong"
	Timestamp  string `json:"timestamp"`
}

// Module is a part of the server that Asterisk clients expect to be loadable.
type Module struct {
	Name         string `json:"name"`
	Description  string `json:"description"`
	UseCount     int    `json:"use_count"`
	Status       string `json:"status"`        // "Running"
	SupportLevel string `json:"support_level"` // "core"
}

// LogChannel is a place that log lines go to.
type LogChannel struct {
	Channel       string `json:"channel"`
	Type          string `json:"type"`
	Status        string `json:"status"`
	Configuration string `json:"configuration"`
}

// ConfigTuple is one attribute of a configuration object.
type ConfigTuple struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
}

// RTPstat is what a channel has sent and received. Jitter and round trip are seconds;
// "local" is what we have measured, "remote" what the other side has reported, and
// the optional ones are nil while nothing was measured.
type RTPstat struct {
	TxCount       int      `json:"txcount"`
	RxCount       int      `json:"rxcount"`
	TxJitter      *float64 `json:"txjitter,omitempty"`
	RxJitter      *float64 `json:"rxjitter,omitempty"`
	TxPacketsLost int      `json:"txploss"`
	RxPacketsLost int      `json:"rxploss"`

	RemoteMaxJitter     *float64 `json:"remote_maxjitter,omitempty"`
	RemoteMinJitter     *float64 `json:"remote_minjitter,omitempty"`
	RemoteNormDevJitter *float64 `json:"remote_normdevjitter,omitempty"`
	RemoteStdevJitter   *float64 `json:"remote_stdevjitter,omitempty"`
	LocalMaxJitter      *float64 `json:"local_maxjitter,omitempty"`
	LocalMinJitter      *float64 `json:"local_minjitter,omitempty"`
	LocalNormDevJitter  *float64 `json:"local_normdevjitter,omitempty"`
	LocalStdevJitter    *float64 `json:"local_stdevjitter,omitempty"`

	RemoteMaxRxLoss     *float64 `json:"remote_maxrxploss,omitempty"`
	RemoteMinRxLoss     *float64 `json:"remote_minrxploss,omitempty"`
	RemoteNormDevRxLoss *float64 `json:"remote_normdevrxploss,omitempty"`
	RemoteStdevRxLoss   *float64 `json:"remote_stdevrxploss,omitempty"`
	LocalMaxRxLoss      *float64 `json:"local_maxrxploss,omitempty"`
	LocalMinRxLoss      *float64 `json:"local_minrxploss,omitempty"`
	LocalNormDevRxLoss  *float64 `json:"local_normdevrxploss,omitempty"`
	LocalStdevRxLoss    *float64 `json:"local_stdevrxploss,omitempty"`

	RTT        *float64 `json:"rtt,omitempty"`
	MaxRTT     *float64 `json:"maxrtt,omitempty"`
	MinRTT     *float64 `json:"minrtt,omitempty"`
	NormDevRTT *float64 `json:"normdevrtt,omitempty"`
	StdevRTT   *float64 `json:"stdevrtt,omitempty"`

	// Media experience scores, 0-100; Asterisk's description leaves them out (observed:
	// Asterisk 22.10, vector 09b).
	TxMES            *float64 `json:"txmes,omitempty"`
	RxMES            *float64 `json:"rxmes,omitempty"`
	RemoteMaxMES     *float64 `json:"remote_maxmes,omitempty"`
	RemoteMinMES     *float64 `json:"remote_minmes,omitempty"`
	RemoteNormDevMES *float64 `json:"remote_normdevmes,omitempty"`
	RemoteStdevMES   *float64 `json:"remote_stdevmes,omitempty"`
	LocalMaxMES      *float64 `json:"local_maxmes,omitempty"`
	LocalMinMES      *float64 `json:"local_minmes,omitempty"`
	LocalNormDevMES  *float64 `json:"local_normdevmes,omitempty"`
	LocalStdevMES    *float64 `json:"local_stdevmes,omitempty"`

	LocalSSRC       uint32 `json:"local_ssrc"`
	RemoteSSRC      uint32 `json:"remote_ssrc"`
	TxOctets        int    `json:"txoctetcount"`
	RxOctets        int    `json:"rxoctetcount"`
	ChannelUniqueID string `json:"channel_uniqueid"`
}
