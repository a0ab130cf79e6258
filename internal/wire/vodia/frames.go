package vodia

// Frame is a message of a client: one of the types below, which are named as their actions
// (spec: vodia 8.3).
type Frame interface {
	frame()
}

// Messages about all calls of the user.
type (
	// GetCalls asks for the calls now and at every change.
	GetCalls struct{}
	// MakeCall rings the user's phone and dials. To is as sent: see CleanDest. Name is the
	// destination's, for people (ours), "" = none.
	MakeCall struct{ To, Name string }
	// OwnCalls subscribes the user's calls, or ends that.
	OwnCalls struct{ Subscribe bool }
	// DomainCalls does the same for all calls of the tenant.
	DomainCalls struct{ Subscribe bool }
	// OrbitCalls does it for parked calls.
	OrbitCalls struct{ Subscribe bool }
	// KeepAlive is not answered: wskeepalive, and avoid-disconnect of newer clients.
	KeepAlive struct{}
)

// Messages about one call.
type (
	// ClearCall ends a call.
	ClearCall struct{ ID string }
	// AcceptCall has the phone answer.
	AcceptCall struct{ ID string }
	// HoldCall toggles: it holds the other side, or ends that.
	HoldCall struct{ ID string }
	// RecordCall begins and ends a recording: rec-call.
	RecordCall struct {
		ID string
		On bool
	}
	// BlindTransfer sends the other side to a number; From is the extension that it leaves.
	// ByCallID is set by blind-transfer2, whose ID is a SIP Call-ID.
	BlindTransfer struct {
		ID, From, To string
		ByCallID     bool
	}
	// AttendedTransfer joins two calls: att-transfer. ID2 may be empty: then To says to
	// which number the other call is.
	AttendedTransfer struct{ ID, From, ID2, To string }
	// DTMF sends tones to the other side (ours): 1 to 64 of 0-9 A-D a-d * #.
	DTMF struct{ ID, Digits string }
)

// Messages about other phones.
type (
	// Lamps watches extensions, or ends that: blf.
	Lamps struct{ Add, Remove []string }
	// GetUsers asks for all accounts of the tenant.
	GetUsers struct{}
	// RingTones asks for the names of ring tones.
	RingTones struct{}
	// Unsupported is a message of the vendor that this server does not carry out: chat, the
	// notes of a CRM, and the browser's own phone.
	Unsupported struct{ Action string }
)

func (GetCalls) frame()         {}
func (MakeCall) frame()         {}
func (OwnCalls) frame()         {}
func (DomainCalls) frame()      {}
func (OrbitCalls) frame()       {}
func (KeepAlive) frame()        {}
func (ClearCall) frame()        {}
func (AcceptCall) frame()       {}
func (HoldCall) frame()         {}
func (RecordCall) frame()       {}
func (BlindTransfer) frame()    {}
func (AttendedTransfer) frame() {}
func (DTMF) frame()             {}
func (Lamps) frame()            {}
func (GetUsers) frame()         {}
func (RingTones) frame()        {}
func (Unsupported) frame()      {}

// Bounds of messages.
const (
	// MaxFrame is the most bytes of a client's message (spec: vodia 8.8).
	MaxFrame  = 64 << 10
	maxDigits = 64
	maxLamps  = 1000
	maxAction = 64
)

// Faults of messages.
var (
	errFrame     = bad("A message must be one JSON object, sent as text.")
	errNoAction  = bad("A message must have an action.")
	errUnknown   = bad("This action is not known.")
	errFrameID   = bad("The ID of the call (id) is missing.")
	errTo        = bad("The number (to) is missing.")
	errSubscribe = bad("Say true or false in subscribe.")
	errStart     = bad("Say on or off in startstop.")
	errDTMF      = bad("Digits must be 1 to 64 of 0-9, A-D, * and #.")
	errLamps     = bad("The lists add and remove must hold at most 1000 extensions.")
	errOther     = bad("Say with which call (id2) or number (to) it is to be joined.")
)

// readers read the members of each action.
var readers = map[string]func(o object) (Frame, *Error){
	"get-calls":        func(object) (Frame, *Error) { return GetCalls{}, nil },
	"make-call":        readMakeCall,
	"clear-call":       func(o object) (Frame, *Error) { id, err := o.id(); return ClearCall{id}, err },
	"wskeepalive":      func(object) (Frame, *Error) { return KeepAlive{}, nil },
	"avoid-disconnect": func(object) (Frame, *Error) { return KeepAlive{}, nil },
	"accept-call":      func(o object) (Frame, *Error) { id, err := o.id(); return AcceptCall{id}, err },
	"hold-call":        func(o object) (Frame, *Error) { id, err := o.id(); return HoldCall{id}, err },
	"rec-call":         readRecordCall,
	"blind-transfer":   func(o object) (Frame, *Error) { return readTransfer(o, false) },
	"blind-transfer2":  func(o object) (Frame, *Error) { return readTransfer(o, true) },
	"att-transfer":     readAttended,
	"own-calls":        func(o object) (Frame, *Error) { on, err := o.subscribe(); return OwnCalls{on}, err },
	"domain-calls":     func(o object) (Frame, *Error) { on, err := o.subscribe(); return DomainCalls{on}, err },
	"orbit-calls":      func(o object) (Frame, *Error) { on, err := o.subscribe(); return OrbitCalls{on}, err },
	"blf":              readLamps,
	"get-users":        func(object) (Frame, *Error) { return GetUsers{}, nil },
	"ringtones":        func(object) (Frame, *Error) { return RingTones{}, nil },
	"dtmf":             readDTMF,
	"chat":             unsupported("chat"),
	"add-to-crm":       unsupported("add-to-crm"),
	"sip-register":     unsupported("sip-register"),
	"sdp-packet":       unsupported("sdp-packet"),
	"sdp-200ok":        unsupported("sdp-200ok"),
	"ice-candidate":    unsupported("ice-candidate"),
	"sip-ringing":      unsupported("sip-ringing"),
	"sip-busy":         unsupported("sip-busy"),
	"sip-ack":          unsupported("sip-ack"),
	"sip-bye":          unsupported("sip-bye"),
	"bye-response":     unsupported("bye-response"),
	"cancel-response":  unsupported("cancel-response"),
	"wrtc-hold":        unsupported("wrtc-hold"),
	"mute":             unsupported("mute"),
}

// ParseFrame reads a message. action is the one that was sent, for the answer to a message
// that is refused: err is then an *Error, BadRequest, and f is nil. Members that are not known
// are ignored; IDs and numbers may be JSON numbers.
func ParseFrame(text []byte) (action string, f Frame, err error) {
	if len(text) > MaxFrame {
		return "", nil, errFrame
	}
	o, e := parseObject(text)
	if e != nil {
		return "", nil, errFrame
	}
	action, ok := o.text("action")
	if !ok || action == "" || len(action) > maxAction {
		return "", nil, errNoAction
	}
	read := readers[action]
	if read == nil {
		return action, nil, errUnknown
	}
	f, fault := read(o)
	if fault != nil {
		return action, nil, fault
	}
	return action, f, nil
}

func unsupported(action string) func(object) (Frame, *Error) {
	return func(object) (Frame, *Error) { return Unsupported{action}, nil }
}

// id reads the handle of a call.
func (o object) id() (string, *Error) {
	id, ok := o.digits("id")
	if !ok || id == "" {
		return "", errFrameID
	}
	return id, nil
}

// to reads a number.
func (o object) to() (string, *Error) {
	to, ok := o.digits("to")
	if !ok || to == "" {
		return "", errTo
	}
	return to, nil
}

func (o object) subscribe() (bool, *Error) {
	on, ok := o.truth("subscribe")
	if !ok {
		return false, errSubscribe
	}
	return on, nil
}

func readMakeCall(o object) (Frame, *Error) {
	to, err := o.to()
	if err != nil {
		return nil, err
	}
	name, ok := o.text("name")
	if !ok {
		return nil, errCallName
	}
	return MakeCall{to, CleanName(name)}, nil
}

func readRecordCall(o object) (Frame, *Error) {
	id, err := o.id()
	if err != nil {
		return nil, err
	}
	on, ok := o.truth("startstop")
	if !ok {
		return nil, errStart
	}
	return RecordCall{id, on}, nil
}

func readTransfer(o object, byCallID bool) (Frame, *Error) {
	id, err := o.id()
	if err != nil {
		return nil, err
	}
	to, err := o.to()
	if err != nil {
		return nil, err
	}
	from, _ := o.digits("from") // the socket says who it is
	return BlindTransfer{id, from, to, byCallID}, nil
}

func readAttended(o object) (Frame, *Error) {
	id, err := o.id()
	if err != nil {
		return nil, err
	}
	id2, ok := o.digits("id2")
	to, ok2 := o.digits("to")
	if !ok || !ok2 || id2 == "" && to == "" {
		return nil, errOther
	}
	from, _ := o.digits("from")
	return AttendedTransfer{id, from, id2, to}, nil
}

func readDTMF(o object) (Frame, *Error) {
	id, err := o.id()
	if err != nil {
		return nil, err
	}
	digits, ok := o.digits("digits")
	if !ok || digits == "" || len(digits) > maxDigits {
		return nil, errDTMF
	}
	for _, c := range []byte(digits) {
		if !isDialed(c) {
			return nil, errDTMF
		}
	}
	return DTMF{id, digits}, nil
}

func readLamps(o object) (Frame, *Error) {
	add, ok := o.list("add")
	remove, ok2 := o.list("remove")
	if !ok || !ok2 || len(add)+len(remove) > maxLamps || len(add)+len(remove) == 0 {
		return nil, errLamps
	}
	return Lamps{add, remove}, nil
}
