package vodia

// Code says in one word why something is refused (spec: vodia 4.10).
type Code string

// The words. A door answers the first group with 400 and the second with 403.
const (
	DestMissing        Code = "dest_missing"
	DestInvalid        Code = "dest_invalid"
	UserMissing        Code = "user_missing"
	TimeInvalid        Code = "time_invalid"
	DurationInvalid    Code = "duration_invalid"
	NonceInvalid       Code = "nonce_invalid"
	DuplicateParameter Code = "duplicate_parameter"
	DialMissing        Code = "dial_missing" // of a vodia:// link
	URIInvalid         Code = "uri_invalid"  // ours: no vodia:// link at all
	BadRequest         Code = "bad_request"  // ours: JSON that is not what is due

	WrongCredentials Code = "credentials"
	Expired          Code = "expired"
	TimeInFuture     Code = "time_in_future"
	DurationTooLong  Code = "duration_too_long"
)

// Error is why something is refused.
type Error struct {
	Code Code
	Text string // one line for people; it holds nothing of what was sent
}

// Error is error.
func (e *Error) Error() string { return e.Text }

// Denied says whether the request was understood and is refused (403), rather than not
// understood (400).
func (e *Error) Denied() bool {
	switch e.Code {
	case WrongCredentials, Expired, TimeInFuture, DurationTooLong:
		return true
	}
	return false
}

// The refusals. They are values to compare with as well: errors.Is(err, vodia.ErrExpired).
var (
	ErrDestMissing     = &Error{DestMissing, "The link does not say which number to call (dest)."}
	ErrDestInvalid     = &Error{DestInvalid, "The number to call (dest) is not a telephone number."}
	ErrUserMissing     = &Error{UserMissing, "The link does not say whose phone is to ring (user)."}
	ErrTime            = &Error{TimeInvalid, "The time of the link must be ten digits: seconds since 1970."}
	ErrDuration        = &Error{DurationInvalid, "The duration of the link must be one to five digits: seconds."}
	ErrNonce           = &Error{NonceInvalid, "The nonce of the link must be 1 to 64 letters, digits, - or _."}
	ErrDuplicate       = &Error{DuplicateParameter, "The link has a parameter twice."}
	ErrDialMissing     = &Error{DialMissing, "The link does not say which number to call (dial)."}
	ErrURI             = &Error{URIInvalid, "This is not a vodia:// link."}
	ErrCredentials     = &Error{WrongCredentials, "The user or the password is wrong, or the link is not valid."}
	ErrExpired         = &Error{Expired, "The link has expired."}
	ErrTimeInFuture    = &Error{TimeInFuture, "The link is not valid yet: its time is in the future."}
	ErrDurationTooLong = &Error{DurationTooLong, "The link is valid for longer than this server allows."}
)

// bad is a refusal of JSON.
func bad(text string) *Error { return &Error{BadRequest, text} }
