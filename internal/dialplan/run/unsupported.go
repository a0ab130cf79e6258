package run

import (
	"slices"
	"strings"
)

// Unsupported says whether an application is of tier 3: known, and not here
// (spec: dialplan 5.5). The name's case does not matter.
func Unsupported(name string) bool {
	name = strings.TrimSpace(name)
	return slices.ContainsFunc(UnsupportedApps(), func(n string) bool { return strings.EqualFold(n, name) })
}

// UnsupportedApps lists the applications of tier 3 as Asterisk writes them.
func UnsupportedApps() []string {
	return []string{
		"Queue", "QueueLog", "QueueUpdate", "AddQueueMember", "RemoveQueueMember", "PauseQueueMember", "UnpauseQueueMember",
		"AgentLogin", "AgentRequest",
		"VoiceMail", "VoiceMailMain", "VoiceMailPlayMsg", "VMAuthenticate", "VMSayName", "MailboxExists",
		"MinivmRecord", "MinivmGreet", "MinivmNotify", "MinivmDelete", "MinivmAccMess", "MinivmMWI",
		"Directory", "DISA", "ChanSpy", "ExtenSpy", "Pickup", "PickupChan",
		"SLAStation", "SLATrunk", "MeetMeAdmin", "MeetMeCount", "MeetMeChannelAdmin",
		"SpeechCreate", "SpeechActivateGrammar", "SpeechStart", "SpeechBackground", "SpeechDeactivateGrammar",
		"SpeechProcessingSound", "SpeechDestroy", "SpeechLoadGrammar", "SpeechUnloadGrammar",
		"SMS", "Festival", "ExternalIVR", "Dictate", "JACK", "ICES", "MP3Player", "NBScat", "Broadcast", "MessageSend",
		"AudioSocket", "StreamEcho", "Zapateller", "PrivacyManager", "AlarmReceiver", "Morsecode", "TestClient", "TestServer",
	}
}
