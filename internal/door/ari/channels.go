package ari

// channelOperations are those of the resource channels.
func (s *Server) channelOperations() map[string]operation { return map[string]operation{} }
