package pbx

import "fmt"

// State is the state of a channel, with the names that ARI and AMI use
// (Asterisk: channel.h ast_channel_state; spec: ari 6.2).
//
//	outgoing:  Down ──dial──► Down ──180──► Ringing ──200──► Up
//	incoming:  Ring ──Answer──► Up
//
// Busy, Dialing and the others exist for technologies and doors that name
// them; SIP uses only Down, Ring, Ringing and Up.
type State uint8

// The states of a channel. The numbers are Asterisk's.
const (
	Down           State = iota // made, not answered; dialled or not
	Reserved                    // down, but reserved
	OffHook                     // off hook
	Dialing                     // digits have been sent
	Ring                        // incoming: our side rings
	Ringing                     // outgoing: the peer rings
	Up                          // answered
	Busy                        // the line is busy
	DialingOffhook              // digits sent while off hook
	PreRing                     // incoming call detected, waiting for ring
)

var stateNames = [...]string{"Down", "Rsrvd", "OffHook", "Dialing", "Ring", "Ringing", "Up", "Busy", "Dialing Offhook", "Pre-ring"}

// String gives the name that Asterisk shows (Asterisk: main/channel.c ast_state2str).
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "Unknown"
}

// MarshalText gives the name, for JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// nextState gives the state of a channel after a leg event. It is the only
// place where channel states move. Events that make no sense in s are errors
// that the channel logs and ignores.
func nextState(s State, incoming bool, e LegEventKind) (State, error) {
	switch e {
	case LegProceeding, LegProgress, LegForwarded:
		if !incoming && s != Up {
			return s, nil
		}
	case LegRinging:
		if !incoming && (s == Down || s == Dialing || s == Ringing) {
			return Ringing, nil
		}
	case LegAnswered:
		if s != Up {
			return Up, nil
		}
	case LegEnded, LegDTMF, LegHeld, LegResumed, LegTransfer, LegMedia, LegIdentity:
		return s, nil
	}
	return s, fmt.Errorf("channel is %s: %s is not possible", s, e)
}
