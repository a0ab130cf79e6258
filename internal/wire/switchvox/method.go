package switchvox

import "strings"

// The methods that we know (spec: switchvox 6, 8, 9).
const (
	MethodCall       = "switchvox.call"
	MethodUsersCall  = "switchvox.users.call"
	MethodGetInfo    = "switchvox.extensions.getInfo"
	MethodGetMyInfo  = "switchvox.users.getMyInfo"
	MethodCalls      = "switchvox.currentCalls.getList"
	MethodHangUp     = "switchvox.currentCalls.hangUp"
	MethodSearch     = "switchvox.extensions.search"
	MethodCallLogs   = "switchvox.callLogs.search"
	MethodGetVersion = "switchvox.info.getSoftwareVersion"
)

// OfUsers says whether the logins of extensions may call a method, for themselves (spec:
// switchvox 2.2). There are no others for them.
func OfUsers(method string) bool { return strings.HasPrefix(method, "switchvox.users.") }

// Dialable says whether calls can be made on the account of an extension of a type (spec:
// switchvox 9.1).
func Dialable(kind string) bool { return kind == "sip" || kind == "zap" || kind == "virtual" }

// TypeDisplay gives a type's name for people, "SIP Extension"; types that we do not know are
// shown as they are.
func TypeDisplay(kind string) string {
	switch kind {
	case "sip":
		return "SIP Extension"
	case "zap":
		return "Analog Extension"
	case "virtual":
		return "Virtual Extension"
	case "ivr":
		return "IVR"
	case "call_queue":
		return "Call Queue"
	case "voicemail":
		return "Voicemail"
	case "conference", "simple_conference":
		return "Conference"
	case "intercom":
		return "Intercom"
	case "directory":
		return "Directory"
	case "callpark", "parkinglog": // sic (spec: switchvox 9.1)
		return "Call Parking"
	case "group_pickup":
		return "Group Pickup"
	case "agentcallbacklogin":
		return "Agent Login"
	case "agentcallbacklogoff":
		return "Agent Logout"
	case "autodial":
		return "Autodial"
	}
	return kind
}
