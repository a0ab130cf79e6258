package ari

import (
	"net/http"
	"strconv"
	"strings"
)

// hangupReason is a name for the parameter "reason", with its Q.850 cause.
type hangupReason struct {
	name  string
	cause int
}

// hangupReasons are in the order of the API description (spec: ari 4.2).
func hangupReasons() []hangupReason {
	return []hangupReason{
		{"normal", 16}, {"busy", 17}, {"congestion", 34}, {"no_answer", 19}, {"timeout", 18}, {"rejected", 21},
		{"unallocated", 1}, {"normal_unspecified", 31}, {"number_incomplete", 28}, {"codec_mismatch", 58},
		{"interworking", 127}, {"failure", 38}, {"answered_elsewhere", 26},
	}
}

// HangupReasons gives the names of hangup reasons.
func HangupReasons() []string {
	var names []string
	for _, r := range hangupReasons() {
		names = append(names, r.name)
	}
	return names
}

// HangupCause gives the Q.850 cause (0-127) that the parameters reason and reason_code
// of a hangup say, 16 if neither is given. A code may be any integer (spec: ari 4.2);
// one that Q.850 does not have counts as 127. Errors are a 400 *Error, whose texts are
// Asterisk's (observed: Asterisk 22.10, vectors 18).
func HangupCause(p *Params) (int, error) {
	reason, code := p.String("reason"), p.String("reason_code")
	switch {
	case reason != "" && code != "":
		return 0, Errorf(http.StatusBadRequest, "The reason and reason_code can't both be specified")
	case code != "":
		n, err := strconv.Atoi(strings.TrimSpace(code))
		if err != nil {
			return 0, Errorf(http.StatusBadRequest, "Invalid reason for hangup reason code provided")
		}
		if n < 0 || n > 127 {
			n = 127
		}
		return n, nil
	case reason != "":
		for _, r := range hangupReasons() {
			if r.name == reason {
				return r.cause, nil
			}
		}
		return 0, Errorf(http.StatusBadRequest, "Invalid reason for hangup reason provided")
	}
	return 16, nil
}
