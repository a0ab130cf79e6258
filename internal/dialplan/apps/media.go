package apps

import "github.com/dialwright/dialwright/internal/dialplan/run"

// mediaApps is the family of applications that a party hears or speaks to:
// playing, saying, reading digits, recording, tones and music (spec: dialplan 5.1,
// 5.4).
func mediaApps() []run.App {
	return []run.App{
		// playback.go
		{Name: "Playback", Run: playback},
		{Name: "BackGround", Run: background},
		{Name: "ControlPlayback", Run: controlPlayback},
		// read.go
		{Name: "Read", Run: read},
		{Name: "ReadExten", Run: readExten},
		// say.go
		{Name: "SayDigits", Run: sayDigits},
		{Name: "SayNumber", Run: sayNumber},
		{Name: "SayOrdinal", Run: sayOrdinal},
		{Name: "SayAlpha", Run: sayAlpha},
		{Name: "SayAlphaCase", Run: sayAlphaCase},
		{Name: "SayPhonetic", Run: sayPhonetic},
		{Name: "SayUnixTime", Run: sayUnixTime},
		{Name: "DateTime", Run: sayUnixTime, Old: "SayUnixTime"},
		// record.go
		{Name: "Record", Run: record},
		// tones.go
		{Name: "SendDTMF", Run: sendDTMF},
		{Name: "Playtones", Run: playtones},
		{Name: "StopPlaytones", Run: stopPlaytones},
		{Name: "Milliwatt", Run: milliwatt},
		{Name: "Echo", Run: echo},
		// music.go
		{Name: "MusicOnHold", Run: musicOnHold},
		{Name: "StartMusicOnHold", Run: startMusicOnHold},
		{Name: "StopMusicOnHold", Run: stopMusicOnHold},
		// authenticate.go
		{Name: "Authenticate", Run: authenticate},
	}
}
