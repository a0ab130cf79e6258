package peers

// ariExplained lists the differences between the captures and this server: what
// Asterisk does by chance, what the specification tells us not to copy (its section
// 10), and what is our own.
var ariExplained = []difference{
	// By chance: Asterisk itself shows these from run to run (TestTracesOnAsterisk).
	{".*", `order( among channels)?: ChannelStateChange \S+ \(in the trace after Dial \S+ RINGING\)`, "Asterisk tells Ringing and Dial RINGING in either order; here the state always comes first (spec: ari 5.2)"},
	{".*", `order( among channels)?: Dial \S+ RINGING `, "the same"},
	{".*", `Dial \S+ RINGING: peer.state = "Ringing", want "Down"`, "the same"},
	{".*", `order( among channels)?: .*\(in the trace after DeviceStateChanged `, "states of devices come from another thread there"},
	{".*", `order( among channels)?: DeviceStateChanged `, "states of devices come from another thread there; here they follow the channel's event"},
	{"03.*", `(Dial B : peer.state|order( among channels)?: Dial B  )`, "the first Dial event comes before what the phone answers; Asterisk's own thread is sometimes later (spec: ari 5.2)"},
	{"02b.*", `missing Dial x2 $`, "the subscription comes after the dial here"},
	{".*", `POST /(channels|bridges)/\S+/play\S* .*: body.state = "(playing|failed)", want "queued"`, "the answer tells the state at that moment (spec: ari 5.5)"},
	{".*", `POST /(channels|bridges)/\S+/play\S+: body.state = "(playing|failed)", want "queued"`, "the same"},
	{".*", `POST /(channels|bridges)/\S+/record .*: body.state = "(recording|failed)", want "(queued|recording|failed)"`, "the same"},
	{"05f.*", `POST .*body.state = "queued", want "playing"`, "the same"},
	{"06.*", `RecordingFinished \S+: recording.(duration|talking_duration|silence_duration) = `, "whole seconds of a recording whose length is that of the run"},
	{"18.*", `(extra ChannelStateChange dup|extra Dial dup RINGING|(ChannelDestroyed|ChannelHangupRequest|Dial) dup.*state = "Ringing", want "Down")`, "the phone's 180 comes before the hangup here"},
	{"01e.*", `(missing|order( among channels)?:) ChannelHangupRequest l2`, "the other half of a Local channel is told of the hangup once, not twice (spec: ari 5.1: may occur twice)"},

	// The order between two channels: each of ours tells in its own turn.
	{".*", `order( among channels)?: ChannelVarset \S+ RTPAUDIOQOS\S*BRIDGED`, "the channel on the other side is told after the one that ends, not between its variables"},
	{".*", `order( among channels)?: (Dial|ChannelStateChange|ChannelVarset|ChannelConnectedLine) \S+( ANSWER| PROGRESS| BRIDGEPEER| BRIDGEPVTCALLID|) *\(in the trace after ChannelVarset \S+ BRIDGEPVTCALLID\)`, "a channel goes on while the other member of its bridge is told of it"},
	{"03.*", `order( among channels)?: ChannelVarset \S+ BRIDGE(PEER|PVTCALLID) \(in the trace after (Dial|ChannelStateChange) B`, "the same"},
	{"03.*", `ChannelVarset B BRIDGE(PEER|PVTCALLID): channel.state = "(Up|Ringing|Down)", want "(Up|Ringing|Down)"`, "the same"},
	{"03.*", `order( among channels)?: ChannelConnectedLine`, "the same"},
	{"08a.*", `order( among channels)?: (ChannelDestroyed N|StasisEnd SN) `, "a snoop channel ends right after its target"},
	{"01e.*", `order( among channels)?: ChannelDestroyed l1 `, "each half of a Local channel ends in its own time"},
	{"10[ab].*", `(extra ChannelHangupRequest C|order( among channels)?: ChannelVarset C STASISSTATUS)`, "the dialplan's Hangup is told as everywhere else; Asterisk does not where it runs inside of an application"},
	{"13.*", `order( among channels)?: (Dial wsch|RESTResponse r-[23])`, "answers and events of one socket come in the order in which they happen"},

	// Not to be copied (spec: ari 10).
	{"05e.*", `POST /channels/P/play/pb6b \{\}: status 400, want 500`, "D14"},
	{"05e.*", `extra PlaybackFinished pb6 failed`, "D4: a playback of an unknown scheme ends"},
	{"06b.*", `POST /channels/R/record .*: status 400, want 500`, "D14"},
	{"06d.*", `POST /channels/P/record .*: status 409, want 201`, "the status that the API description promises (spec: ari 5.6)"},
	{"09b.*", `POST /channels/H/mute: status 204, want 400`, "D11"},
	{"11.*", `(GET /bridges/bz|POST /bridges/bz/(add|remove)Channel)`, "D9: a recording does not block the channel; while it runs the channel keeps out of bridges"},
	{"11.*", `(missing Channel(Entered|Left)Bridge Z|extra BridgeDestroyed bz|order( among channels)?: RecordingFinished zz|order( among channels)?: ChannelHangupRequest Z|RecordingFinished zz: recording.duration)`, "D9"},
	{"11.*", `missing ChannelHangupRequest ZS`, "a snoop channel has no party to ask for its hangup"},
	{"03e.*|14.*|15.*", `extra BridgeDestroyed`, "D6: whoever made the bridge, or had a channel in it, hears of its end"},
	{"13.*", `extra BridgeDestroyed`, "D6"},
	{"15.*", `DELETE /applications/lab/subscription \{"eventSource":"channel:"\}: status 200, want 501`, "D7"},
	{"15.*", `(DELETE|PUT) /applications/lab/\S+.*: body.channel_ids = `, "D7: so the interest in all channels has ended"},
	{"15.*", `missing Channel\w+ S[12]`, "D7: the same"},
	{"15.*", `missing Dial S2`, "D7: the same"},
	{"18.*", `POST /channels/create .*: status 500, want 409`, "D2"},
	{"18.*", `POST /channels/create \{"endpoint":"PJSIP/answer@callee"\}: status 400, want 200`, "D5"},
	{"18.*", `POST /channels .*: body.message = "Allocation failed`, "a message beside the error, which says why (spec: ari 2.4 rule 3)"},
	{"08b.*", `POST /channels/externalMedia .*"zzz"\}: status 400, want 500`, "a request that cannot be carried out is no fault of the server"},
	{"01b.*", `ChannelDestroyed o2: cause(_txt)? = `, "a plain BYE is 16 (spec: ari 5.2)"},

	// Raw HTTP (spec: ari 2, 10).
	{"00-http", `(HEAD|read-only user, HEAD): body is missing`, "D10: an answer to HEAD has no body"},
	{"00-http", `CORS lower-case header name: Access-Control-Allow`, "D10: names of headers have no case"},
	{"00-http", `CORS preflight without credentials: `, "browsers send none with a preflight (spec: ari 2.5)"},
	{"00-http", `api-docs (list|without Host match): body`, "the API description is our own text"},
	{"00-http", `create on an unknown (endpoint|technology) .*: body.message = .* is extra`, "a message beside the error, which says why (spec: ari 2.4 rule 3)"},
	{"00-http", `events without (upgrade|app): (Content-Type|body)`, "a page of our own"},

	// Our own.
	{"01c.*|02a.*|15.*", `ChannelCreated \S+: channel.protocol_id = "…", want ""`, "the Call-ID is known from the start"},
	{"04-create-dial-forward", `missing Dial D CANCEL`, "told once, not three times"},
	{"04-originate-forward", `.*`, "a 302 is followed only where the endpoint allows it and the guard too; Asterisk dials Local/forward@from-callee"},
	{"05g.*|14.*|06d.*", `(missing|extra|order( among channels)?:) ChannelVarset \S+ BRIDGE(PEER|PVTCALLID)`, "no announcer channel joins the bridge for a playback, so nobody gets another peer"},
	{"05g.*|14.*|06d.*", `ChannelVarset \S+ BRIDGE(PEER|PVTCALLID): `, "the same"},
	{"05g.*|14.*|06d.*", `order( among channels)?: (Playback|Recording)(Started|Failed|Finished) \S+`, "the same"},
	{"08b.*", `GET /channels/EM/variable .*: body.value`, "another port each time"},
	{"10c.*", `second application: extra Channel(Destroyed|Varset) M`, "both applications keep their interest to the end (spec: ari 5.10); the capture ends before"},
	{"13.*", `RESTResponse r-1 200: message_body.(_author|_copyright|_svn_revision|apis\[\d+\].description|basePath)`, "the API description is our own text, and a WebSocket has no address of its own"},
	{"13.*", `RESTResponse r-1 404: reason_phrase = "Not Found", want "Not found"`, "the phrase of the status, always written the same"},
	{"14.*", `GET /bridges: body\[\d+\].bridgevars`, "variables that were asked to be reported are shown in lists too"},
	{"19.*", `GET /asterisk/(info|logging|modules)`, "another program"},
	{"19.*", `GET /mailboxes: status 200, want 404`, "there are mailboxes here; Debian's Asterisk is built without"},
	{"19.*", `GET /sounds/beep: body.formats`, "other sound files"},

	// What is left of the order of events about different channels: each channel tells in
	// its own turn, as each has a thread of its own in Asterisk. The order of what is told of
	// one channel, bridge or device is strict.
	{".*", `order among channels: `, "only the order of one channel's events is promised"},
}
