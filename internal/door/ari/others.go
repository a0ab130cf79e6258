package ari

// otherOperations are those of every resource but channels.
func (s *Server) otherOperations() map[string]operation { return map[string]operation{} }
