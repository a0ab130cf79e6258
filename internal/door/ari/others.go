package ari

import (
	"maps"
	"net/http"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// otherOperations are those of every resource but channels.
func (s *Server) otherOperations() map[string]operation {
	all := map[string]operation{}
	for _, part := range []map[string]operation{
		s.bridgeOperations(), s.playbackOperations(), s.recordingOperations(), s.soundOperations(),
		s.endpointOperations(), s.applicationOperations(), s.eventOperations(), s.asteriskOperations(),
		s.deviceStateOperations(), s.mailboxOperations(),
	} {
		maps.Copy(all, part)
	}
	return all
}

// missingParameter is the refusal of a request without a required parameter.
func missingParameter(name string) *wire.Error {
	return wire.Errorf(http.StatusBadRequest, "Missing parameter %s", name)
}
