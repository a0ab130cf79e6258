package vodia

// Action is what a POST to /rest/user/ACCOUNT/calls asks for: the key that names it (spec:
// vodia 5.2).
type Action string

// The actions.
const (
	RemoteDial   Action = "remote-dial"   // ring the user's phone, then dial
	Hangup       Action = "hangup"        // end a call
	Reject       Action = "reject"        // refuse an alerting call
	Transfer     Action = "transfer"      // to a number, or to the other side of another call
	RemoteAnswer Action = "remote-answer" // have the phone answer
	RemoteHold   Action = "remote-hold"   // have the phone hold the other side
	RemoteResume Action = "remote-resume" // end that
	Annotate     Action = ""              // write a comment or a category to a call's record
)

var actions = [...]Action{RemoteDial, Hangup, Reject, Transfer, RemoteAnswer, RemoteHold, RemoteResume}

// CallRequest is the body of such a POST.
type CallRequest struct {
	Action   Action
	ID       string // of the call; "" for RemoteDial
	With     string // of the call that Transfer joins it with; "" = there is a Number
	Number   string // of RemoteDial and Transfer, as sent: see CleanDest
	Name     string // of the Number, for people
	Comment  string // of Annotate
	Category string
}

// Faults of a body.
var (
	errBody       = bad("The body must be one JSON object.")
	errAction     = bad("The body must have exactly one of remote-dial, hangup, reject, transfer, remote-answer, remote-hold and remote-resume; or id with comment or category.")
	errCallID     = bad("The ID of a call must be a text that is not empty.")
	errTransfer   = bad("A transfer needs either number or id.")
	errCallName   = bad("The name must be a text.")
	errAnnotation = bad("Comment and category must be texts.")
	errNumber     = bad("The number must be a text or digits.")
)

// ParseCallRequest reads a body, whatever content type it came with. What is not one JSON
// object with exactly one action, with values of the kinds that are due, is BadRequest; an
// empty number to dial is ErrDestMissing. Other members are ignored.
func ParseCallRequest(body []byte) (CallRequest, error) {
	o, err := parseObject(body)
	if err != nil {
		return CallRequest{}, errBody
	}
	var r CallRequest
	n := 0
	for _, a := range actions {
		if _, has := o[string(a)]; has {
			r.Action = a
			n++
		}
	}
	switch {
	case n > 1:
		return CallRequest{}, errAction
	case r.Action == Annotate:
		err = r.annotate(o)
	case r.Action == RemoteDial:
		err = r.dial(o)
	default:
		err = r.about(o)
	}
	if err != nil {
		return CallRequest{}, err
	}
	return r, nil
}

// dial reads {"remote-dial":"6173998147","name":"Joe Doe"}.
func (r *CallRequest) dial(o object) error {
	number, ok := o.digits(string(RemoteDial))
	if !ok || !o.has(string(RemoteDial)) {
		return errNumber
	}
	name, ok := o.text("name")
	switch {
	case !ok:
		return errCallName
	case number == "":
		return ErrDestMissing
	}
	r.Number, r.Name = number, CleanName(name)
	return nil
}

// about reads what is to be done with a call: {"hangup":"ID"}.
func (r *CallRequest) about(o object) error {
	var ok bool
	if r.ID, ok = o.digits(string(r.Action)); !ok || r.ID == "" {
		return errCallID
	}
	if r.Action != Transfer {
		return nil
	}
	if r.Number, ok = o.digits("number"); !ok {
		return errNumber
	}
	if r.With, ok = o.digits("id"); !ok {
		return errCallID
	}
	if (r.Number == "") == (r.With == "") {
		return errTransfer
	}
	return nil
}

// annotate reads {"id":"ID","comment":"…"}.
func (r *CallRequest) annotate(o object) error {
	if !o.has("id") || !o.has("comment") && !o.has("category") {
		return errAction
	}
	var ok, ok2 bool
	if r.ID, ok = o.digits("id"); !ok || r.ID == "" {
		return errCallID
	}
	r.Comment, ok = o.text("comment")
	if r.Category, ok2 = o.text("category"); !ok || !ok2 {
		return errAnnotation
	}
	return nil
}

// Done is the answer to a request that was carried out: {"ok":true,"id":"CALL-ID"}.
type Done struct{ ID string }

// MarshalJSON is json.Marshaler.
func (d Done) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		OK bool   `json:"ok"`
		ID string `json:"id"`
	}{true, d.ID})
}
