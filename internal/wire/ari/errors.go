package ari

import (
	"fmt"
	"net/http"
)

// Error is a refusal: a status and a text for the member "message" (spec: ari 2.4
// rule 3, 4.1).
type Error struct {
	Status  int
	Message string
	// Failed answers {"error": "Allocation failed"} beside the message, which is
	// what clients know from a channel request that failed.
	Failed bool
}

// Error gives the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes a refusal.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...)}
}

// Refusals that many operations give; clients match on some of the texts.
var (
	ErrChannelNotFound = &Error{Status: http.StatusNotFound, Message: "Channel not found"}
	ErrProvidedChannel = &Error{Status: http.StatusNotFound, Message: "Provided channel was not found"}
	ErrNotInStasis     = &Error{Status: http.StatusConflict, Message: "Channel not in Stasis application"}
	ErrInvalidState    = &Error{Status: http.StatusPreconditionFailed, Message: "Channel in invalid state"}
	ErrBridgeNotFound  = &Error{Status: http.StatusNotFound, Message: "Bridge not found"}
	ErrNoSuchApp       = &Error{Status: http.StatusNotFound, Message: "Application not found"}
	ErrNoSuchPlayback  = &Error{Status: http.StatusNotFound, Message: "Playback not found"}
	ErrNoSuchRecording = &Error{Status: http.StatusNotFound, Message: "Recording not found"}
)
