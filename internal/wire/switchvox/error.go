package switchvox

import (
	"fmt"
	"strings"
)

// Error is one fault as a client is told it: with the status 200, in the place of a result.
// Clients decide by the code; people search for the text (spec: switchvox 5.2).
type Error struct {
	Code    int
	Message string
}

// Error is error.
func (e Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// The faults without a text of their own (spec: switchvox 5.2). Those from 90001 on are ours:
// the original's page of generic codes is lost.
var (
	errMissingList = Error{10000, "Missing extensions or account_ids"}
	errName        = Error{35561, "Invalid caller id name. Caller id name may only contain alphanumeric characters,spaces,_,or &."}
	errTimeout     = Error{75233, "Invalid timeout. Must be a number between 0 and 999."}
	errEnvelope    = Error{90001, "The request could not be parsed."}
	errNoMethod    = Error{90002, "Missing method."}
)

// Originate says that the first number was not reached.
func Originate() Error {
	return Error{41591, "Your call failed to connect (Originate failed). This fault is usually caused by entering an invalid extension or phone number that can't be reached."}
}

// DialAs says that there is no account with the number, or none that can call.
func DialAs() Error {
	return Error{77427, "Invalid dial as extension. That extension does not exist in the system or is an invalid type. Please choose a valid SIP,Analog,or Virtual extension."}
}

// Missing says that a parameter is required.
func Missing(name string) Error {
	return Error{10011, "Missing required parameter (" + name + ")"}
}

// UnknownMethod says that there is no such method.
func UnknownMethod(method string) Error {
	return Error{90003, "Unknown method (" + method + ")."}
}

// Denied says that the login may not do this.
func Denied(method string) Error {
	return Error{90004, "Access denied for method (" + method + ")."}
}

// Unavailable says that the server cannot take it now.
func Unavailable() Error {
	return Error{90005, "The service is temporarily unavailable."}
}

// NoCall says that there is no such call.
func NoCall(id string) Error {
	return Error{90006, "No current call with id (" + clip(id) + ")."}
}

// errParameter is ours, for parameters of which no fault of the original is known: dates,
// sorting and pages.
func errParameter(name string) Error {
	return Error{90007, "Invalid value for parameter (" + name + ")."}
}

func errExtension(value string) Error {
	return Error{10010, "Invalid extension (" + clip(value) + "). Extensions may only contain digits or *."}
}

func errLength(value string, l Lengths) Error {
	return Error{10012, fmt.Sprintf("Invalid extension (%s). Extension must be between %d to %d characters in length.", clip(value), l.Min, l.Max)}
}

func errAccount(value string) Error {
	return Error{10014, "Invalid account_id (" + clip(value) + "). Account_ids may only contain digits."}
}

func errFlag(name string) Error {
	return Error{17769, "Invalid " + name + ". Value must be either a 1 or a 0."}
}

func errNumber(name string) Error {
	return Error{54222, "Invalid phone number or extension for parameter " + name + ". Number must only contain digits,*,or #."}
}

func errVariables(name string) Error {
	return Error{84904, "Invalid variable format for parameter (" + name + "). Variable format must be VARIABLE_NAME=VARIABLE_VALUE."}
}

// maxEcho bounds the characters of a client's text that are said back.
const maxEcho = 128

// clip makes a client's text fit for an answer.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if n := 0; len(s) > maxEcho {
		for i := range s {
			if n == maxEcho {
				return s[:i]
			}
			n++
		}
	}
	return s
}
